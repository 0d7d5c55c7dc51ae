/**
 * One slot's state, packed into the single Int32 word that every transition compares and swaps.
 *
 * ```text
 *   31                                    3 2     0
 *  +---------------------------------------+-------+
 *  |              generation               | state |
 *  +---------------------------------------+-------+
 * ```
 *
 * The generation grows by one when a slot is claimed and by one when it becomes free, so a free slot
 * has an even generation and a taken one an odd generation. It makes each tenure of a slot a different
 * word: a late purchase or a late sweep that read the word of an earlier tenure loses its compare-and-swap
 * instead of taking somebody else's reservation. It wraps after 2^29 steps; to be fooled, a thread would
 * have to be stopped between its load and its compare-and-swap for exactly 2^28 reservations of one item.
 */

/** Nobody has the item. */
export const FREE = 0
/** One thread is writing the payload; nobody else may read it as valid. */
export const CLAIM = 1
/** The payload is published, the reservation is not yet durable, its code is not yet known to anyone. */
export const HOLDING = 2
/** Reserved: the code may be used until `expiresAt`. */
export const HELD = 3
/** A purchase is being made durable; expiry is off. */
export const BUYING = 4
/** Sold, for ever. */
export const SOLD = 5
/** One thread is giving the item back: it subtracts the user's count, then frees the slot. */
export const RELEASING = 6
/** A cancellation is being made durable; nobody can buy meanwhile. */
export const CANCELLING = 7

export type SlotState =
  | typeof FREE | typeof CLAIM | typeof HOLDING | typeof HELD
  | typeof BUYING | typeof SOLD | typeof RELEASING | typeof CANCELLING

const STATE_BITS = 3
const STATE_MASK = 7

export function packWord(generation: number, state: SlotState): number {
  return (generation << STATE_BITS) | state
}

export function stateOf(word: number): SlotState {
  return (word & STATE_MASK) as SlotState
}

export function generationOf(word: number): number {
  return word >>> STATE_BITS
}

/** The same tenure of the slot in another state. */
export function withState(word: number, state: SlotState): number {
  return (word & ~STATE_MASK) | state
}

/** The next generation: of a free word, the claim that takes it; of a releasing word, the free word after it. */
export function nextTenure(word: number, state: SlotState): number {
  return (((word >>> STATE_BITS) + 1) << STATE_BITS) | state
}

/** The generation whose payload is in the slot: a free slot keeps that of its last tenure. */
export function payloadGeneration(word: number): number {
  return stateOf(word) === FREE ? generationOf(word) - 1 : generationOf(word)
}
