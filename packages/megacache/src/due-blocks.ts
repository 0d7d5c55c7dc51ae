import { addWord, casWord, loadWord, type Words } from './atomic-words.ts'
import { BLOCK_SLOT_BITS, CONTROL, type Layout } from './layout.ts'
import { MegacacheError } from './megacache-error.ts'

/**
 * Where reservations may have run out: one word for each block of BLOCK_SLOTS slots, so that a sweep of a million items
 * looks at 4096 words and then only into blocks where something is due.
 *
 * ```text
 *   31                                    2 1    0
 *  +---------------------------------------+------+
 *  |    tick, or the number of the look    | kind |
 *  +---------------------------------------+------+
 *
 *   NONE ---> FROM tick ---> LOOKING n ---> NONE, FROM the earliest that is left, or DUE: one has run out that is being bought
 *               |    ^          |  |
 *               +----+ earlier  |  +---> LOOKING m: another sweep looks, too, and the first one's result is void
 *                               +------> DUE: a reservation was made meanwhile; look again
 * ```
 *
 * The word is a lower bound (INV-9): no reservation of the block ends before `tick`. A reservation is published first and lowers
 * the bound then; a sweep sets LOOKING first and looks at the slots then. In the one order of these four accesses either
 * the sweep sees the reservation or the reservation sees LOOKING, which it changes, so that the sweep's result, a later
 * bound, loses its compare-and-swap. Other than by a sweep the bound never rises: what is purchased or cancelled
 * leaves it too low, which costs one look. As long as it is LOOKING the block is due for all others: nothing hangs on one thread.
 *
 * Reservations of a sale live equally long, so a new one seldom is the earliest of its block: it costs one load.
 *
 * To be fooled, a sweep would have to be stopped between its first look and its last compare-and-swap for exactly 2^30 looks.
 * Ticks are compared modulo 2^30: a bound may be 99 days old.
 */
export class DueBlocks {
  readonly count: number
  readonly #words: Words
  readonly #start: number

  constructor(words: Words, layout: Layout) {
    this.count = layout.blocks
    this.#words = words
    this.#start = layout.blocksStart
  }

  /**
   * A reservation of this slot has been published and ends at `expiresMs`. Linearises at the load of a bound that is low
   * enough, or at the compare-and-swap. Ends because a lost one is another reservation's or a sweep's success.
   */
  lower(slot: number, expiresMs: number): void {
    const index = this.#start + (slot >>> BLOCK_SLOT_BITS)
    const tick = tickOf(expiresMs)
    const bound = loadWord(this.#words, index)
    if ((bound & KIND_MASK) !== FROM || isAfter(bound, tick)) this.#lowerTo(index, tick)
  }

  /** Apart from `lower`, which is small enough to become part of its caller. */
  #lowerTo(index: number, tick: number): void {
    const words = this.#words
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const bound = loadWord(words, index)
      const kind = bound & KIND_MASK
      if (kind === DUE || (kind === FROM && !isAfter(bound, tick))) return
      if (casWord(words, index, bound, kind === LOOKING ? DUE : from(tick))) return
    }
    throw noProgress()
  }

  /**
   * Before a look at all slots of a block in which something may have run out: what `end` needs; 0 when nothing has.
   * Ends as `lower` does.
   */
  begin(block: number, nowMs: number): number {
    const words = this.#words
    const index = this.#start + block
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const bound = loadWord(words, index)
      if (bound === NONE || ((bound & KIND_MASK) === FROM && isAfter(bound, tickOf(nowMs)))) return 0
      const look = (addWord(words, CONTROL.looks, 1) << KIND_BITS) | LOOKING
      if (casWord(words, index, bound, look)) return look
    }
    throw noProgress()
  }

  /**
   * After it. `untilMs`: how long from now until the first of those that are left ends; 0 when one has and stays, Infinity
   * when none is left. Void if the block has changed.
   */
  end(block: number, look: number, nowMs: number, untilMs: number): void {
    const bound = untilMs === Infinity ? NONE : untilMs === 0 ? DUE : from(tickOf(nowMs + untilMs))
    casWord(this.#words, this.#start + block, look, bound)
  }

  /** Whether a reservation of this slot that ends at `expiresMs` would be found by a sweep then. */
  covers(slot: number, expiresMs: number): boolean {
    const bound = loadWord(this.#words, this.#start + (slot >>> BLOCK_SLOT_BITS))
    return bound !== NONE && ((bound & KIND_MASK) !== FROM || !isAfter(bound, tickOf(expiresMs)))
  }
}

const NONE = 0
const FROM = 1
const LOOKING = 2
const DUE = 3
const KIND_BITS = 2
const KIND_MASK = 3

/** Rounding down makes a block due this much too early at most. */
const TICK_MS = 16

function tickOf(ms: number): number {
  return Math.floor(ms / TICK_MS) | 0
}

function from(tick: number): number {
  return (tick << KIND_BITS) | FROM
}

/** Whether a bound FROM a tick is later than this one. */
function isAfter(bound: number, tick: number): boolean {
  return ((bound >> KIND_BITS) - tick) << KIND_BITS > 0
}

/** Far above what contention can need; reached only by a bug, and then better loud than endless. */
const ATTEMPTS_MAX = 1_000_000

function noProgress(): MegacacheError {
  return new MegacacheError('invariant_broken', `due blocks: no progress in ${ATTEMPTS_MAX} attempts`)
}
