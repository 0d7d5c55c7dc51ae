import { type SlotState, stateOf } from '../../slot-word.ts'
import { stateOf as cellStateOf } from '../../user-word.ts'

export const SLOT_STATES: readonly string[] =
  ['FREE', 'CLAIM', 'HOLDING', 'HELD', 'BUYING', 'SOLD', 'RELEASING', 'CANCELLING']
export const CELL_STATES: readonly string[] = ['EMPTY', 'CLAIMED', 'PENDING', 'LIVE']

/**
 * What the explored schedules had in them: how often each transition was made and each compare-and-swap lost, and how often
 * each rare thing happened. An exploration that never saw a thing says nothing about it.
 */
export class Coverage {
  readonly #slots = new Float64Array(64)
  readonly #slotsLost = new Float64Array(64)
  readonly #cells = new Float64Array(16)
  readonly #cellsLost = new Float64Array(16)
  readonly #rare = new Map<string, number>()

  slotChanged(from: number, to: number): void {
    if (from !== to) this.#slots[stateOf(from) * 8 + stateOf(to)]!++
  }

  slotLost(wanted: number, next: number): void {
    this.#slotsLost[stateOf(wanted) * 8 + stateOf(next)]!++
  }

  cellChanged(from: number, to: number): void {
    if (from !== to) this.#cells[cellStateOf(from) * 4 + cellStateOf(to)]!++
  }

  cellLost(wanted: number, next: number): void {
    this.#cellsLost[cellStateOf(wanted) * 4 + cellStateOf(next)]!++
  }

  /** Counts something by name. */
  happened(what: string, times = 1): void {
    if (times > 0) this.#rare.set(what, (this.#rare.get(what) ?? 0) + times)
  }

  /** All counts that are not 0, by name: `FREE->CLAIM`, `lost FREE->CLAIM`, `cell EMPTY->CLAIMED`, ... */
  counts(): Record<string, number> {
    return {
      ...named(this.#slots, SLOT_STATES, ''),
      ...named(this.#slotsLost, SLOT_STATES, 'lost '),
      ...named(this.#cells, CELL_STATES, 'cell '),
      ...named(this.#cellsLost, CELL_STATES, 'lost cell '),
      ...Object.fromEntries(this.#rare),
    }
  }
}

/** Adds counts to others. */
export function addCounts(into: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) into[name] = (into[name] ?? 0) + count
}

/** A slot's word as it is read aloud: `HELD g1`. */
export function shownSlot(word: number): string {
  return `${SLOT_STATES[stateOf(word)]} g${word >>> 3}`
}

/** The transitions of docs/invariants.md; a step that is none of them is wrong whatever comes of it. */
const NEXT: Readonly<Record<SlotState, readonly SlotState[]>> = {
  0: [1], 1: [2, 3, 4, 5], 2: [3, 6], 3: [4, 6, 7], 4: [5, 3, 6], 5: [], 6: [0], 7: [6, 3],
}

/** Why the engine may not write `to` over `from` in a slot's word; undefined when it may. */
export function wrongTransition(from: number, to: number): string | undefined {
  if (from === to) return undefined
  const isNext = NEXT[stateOf(from)].includes(stateOf(to))
  const [before, after] = [from >>> 3, to >>> 3]
  const isTenure = stateOf(from) === 0 ? after > before && (after & 1) === 1 : stateOf(to) === 0 ? after === before + 1 : after === before
  return isNext && isTenure ? undefined : `a slot goes from ${shownSlot(from)} to ${shownSlot(to)}`
}

function named(counts: Float64Array, states: readonly string[], prefix: string): Record<string, number> {
  const result: Record<string, number> = {}
  for (const [index, count] of counts.entries()) {
    const [from, to] = [Math.floor(index / states.length), index % states.length]
    if (count > 0) result[`${prefix}${states[from]}->${states[to]}`] = count
  }
  return result
}
