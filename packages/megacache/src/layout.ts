/**
 * The only owner of offsets in shared memory. One `SharedArrayBuffer` holds one sale:
 *
 * ```text
 *   words                       region      who writes
 *   0                .. 16      header      the creating thread, before the handle exists; then nobody
 *   16               .. 32      control     any thread: closed flag, threads attached, next sweep
 *   32               .. 48      sold        any thread, once for each item sold (a line of its own)
 *   48               .. t       tallies     TALLY_ROWS rows of TALLY_WORDS, a thread adds to its own row
 *   t                .. s       slots       items x SLOT_WORDS, see slot-word.ts and inventory.ts
 *   s                .. b       bounds      one word for each user cell: how far its probes reach
 *   b                .. end     users       capacity x USER_WORDS, see user-limit.ts
 * ```
 *
 * Regions start on a cache line of 64 bytes (16 words): the header is read by every request and must not
 * share a line with a word that is written.
 */

/** 'mega' in ASCII. Tells a megacache buffer from any other. */
export const MAGIC = 0x6d656761
/** Raised whenever the meaning of a word changes: two versions of the package must not share memory. */
export const LAYOUT_VERSION = 1

const LINE_WORDS = 16

export const HEADER = { magic: 0, version: 1, items: 2, userLimit: 3, userCells: 4, seedLow: 5, seedHigh: 6 } as const
export const CONTROL = { closed: 16, threads: 17, nextSweep: 18 } as const
export const SOLD_COUNT = 32

export const TALLY_START = 48
/** Threads beyond this number share rows, which costs them speed and nothing else. */
export const TALLY_ROWS = 16
/** Two lines a row: `taken` and up to 15 counters of two words. */
export const TALLY_WORDS = 32

/** 32 bytes a slot, two to a cache line. */
export const SLOT_WORDS = 8
export const SLOT = {
  /** The word of slot-word.ts. All others are the payload, written only by the thread that holds CLAIM. */
  word: 0,
  random0: 1,
  random1: 2,
  userLow: 3,
  userHigh: 4,
  /** Monotonic milliseconds, 64 bits in two words. */
  expiresLow: 5,
  expiresHigh: 6,
  /** Which attached thread made the reservation: its number in the order of attaching. For diagnosis. */
  owner: 7,
} as const

/** 16 bytes a user cell. */
export const USER_WORDS = 4
export const USER = { control: 0, low: 1, high: 2, purchased: 3 } as const

/** At least half of the user cells stay empty: at most one live user an item, and one more a thread in flight. */
const USER_CELLS_PER_ITEM = 2
const USER_CELLS_SPARE = 1024

/** 20 bits of the checkout code name the slot. */
export const ITEMS_MAX = 1_048_576
/** 10 bits of a user cell hold the count. */
export const USER_LIMIT_MAX = 1000

export interface Layout {
  readonly items: number
  readonly userCells: number
  readonly slotsStart: number
  readonly boundsStart: number
  readonly usersStart: number
  readonly wordCount: number
}

export function layoutFor(items: number): Layout {
  const userCells = powerOfTwoAtLeast(items * USER_CELLS_PER_ITEM + USER_CELLS_SPARE)
  const slotsStart = TALLY_START + TALLY_ROWS * TALLY_WORDS
  const boundsStart = alignToLine(slotsStart + items * SLOT_WORDS)
  const usersStart = alignToLine(boundsStart + userCells)
  return { items, userCells, slotsStart, boundsStart, usersStart, wordCount: usersStart + userCells * USER_WORDS }
}

function alignToLine(words: number): number {
  return Math.ceil(words / LINE_WORDS) * LINE_WORDS
}

function powerOfTwoAtLeast(count: number): number {
  return 1 << (32 - Math.clz32(count - 1))
}
