import { HASH_START, HEADER, type Layout, SLOT_WORDS, SOLD_COUNT, TALLY_START, USER_WORDS } from '../../src/layout.ts'
import type { Memory } from './explore.ts'

/** Four user cells, and a hash that sends every user to the first: the worst table there can be. */
const CELLS = 4
/** A word that nobody else uses: the clock of a scenario. */
export const CLOCK_WORD = 47

export interface TinyMemory {
  readonly memory: Memory
  readonly layout: Layout
  /** The words that a scenario can change. */
  readonly from: number
  readonly to: number
  readonly isQuiet: (index: number) => boolean
}

/**
 * Memory so small that copying it at every step is cheap: the slots lie where the hash tables were, which every
 * `UserLimit` copies (all zeroes) when it is made. Make all engines before changing anything.
 */
export function tinyMemory(items: number, userLimit: number): TinyMemory {
  const slotsStart = HASH_START
  const reachesStart = slotsStart + items * SLOT_WORDS
  const usersStart = reachesStart + CELLS
  const to = usersStart + CELLS * USER_WORDS
  const memory = new Int32Array(new SharedArrayBuffer(4096 * 4))
  memory[HEADER.userLimit] = userLimit
  const layout: Layout = { items, userCells: CELLS, slotsStart, reachesStart, usersStart, wordCount: to }
  return { memory, layout, from: SOLD_COUNT, to, isQuiet: (index) => index >= TALLY_START }
}
