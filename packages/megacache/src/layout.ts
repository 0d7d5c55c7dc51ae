/**
 * The only owner of offsets in shared memory. One `SharedArrayBuffer` holds one sale:
 *
 * ```text
 *   words                       region      who writes
 *   0                .. 16      header      the creating thread, before the handle exists; then nobody
 *   16               .. 32      control     any thread: closed flag, threads attached, next sweep, looks of sweeps
 *   32               .. 48      sold        any thread, once for each item sold (a line of its own)
 *   48               .. 2096    hash        the creating thread, before the handle exists; then nobody
 *   2096             .. s       tallies     TALLY_ROWS rows of TALLY_WORDS, a thread adds to its own row
 *   s                .. d       slots       items x SLOT_WORDS, see slot-word.ts and slot-payload.ts
 *   d                .. r       blocks      one word for each BLOCK_SLOTS slots: see due-blocks.ts
 *   r                .. u       reaches     one word for each user cell: see user-limit.ts
 *   u                .. end     users       userCells x USER_WORDS, see user-limit.ts
 * ```
 *
 * Regions start on a cache line of 64 bytes (16 words): the header is read by every request and must not
 * share a line with a word that is written.
 */

/** 'mega' in ASCII. Tells a megacache buffer from any other. */
export const MAGIC = 0x6d656761
/** Raised whenever the meaning of a word changes: two versions of the package must not share memory. */
export const LAYOUT_VERSION = 2

export const LINE_WORDS = 16

export const HEADER = { magic: 0, version: 1, items: 2, userLimit: 3, userCells: 4 } as const
/** How much of a buffer must exist before its header can be read. */
export const HEADER_BYTES = 64
export const CONTROL = { closed: 16, threads: 17, nextSweep: 18, looks: 19 } as const
export const SOLD_COUNT = 32

/** Eight tables, one for each byte of a user id, of 256 random words: see user-limit.ts. */
export const HASH_START = 48
export const HASH_WORDS: number = 8 * 256

export const TALLY_START: number = HASH_START + HASH_WORDS
/** Threads beyond this number share the last row, which costs them speed and nothing else. */
export const TALLY_ROWS = 64
/** Two lines a row: 16 counters of two words. */
export const TALLY_WORDS = 32

/** 32 bytes a slot, two to a cache line. */
export const SLOT_WORDS = 8
export const SLOT = {
  /** The word of slot-word.ts. All others are the payload, written only by the thread that owns the slot. */
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

/** Slots that a sweep looks at together, 8 KB: of a million items, 4096 blocks. */
export const BLOCK_SLOT_BITS = 8
export const BLOCK_SLOTS: number = 1 << BLOCK_SLOT_BITS

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
  readonly blocks: number
  readonly blocksStart: number
  readonly reachesStart: number
  readonly usersStart: number
  readonly wordCount: number
}

/** Where everything is in the memory of a sale of `items` items, from 1 to ITEMS_MAX. */
export function layoutFor(items: number): Layout {
  const userCells = powerOfTwoAtLeast(items * USER_CELLS_PER_ITEM + USER_CELLS_SPARE)
  const slotsStart = TALLY_START + TALLY_ROWS * TALLY_WORDS
  const blocks = Math.ceil(items / BLOCK_SLOTS)
  const blocksStart = alignToLine(slotsStart + items * SLOT_WORDS)
  const reachesStart = alignToLine(blocksStart + blocks)
  const usersStart = alignToLine(reachesStart + userCells)
  const wordCount = usersStart + userCells * USER_WORDS
  return { items, userCells, slotsStart, blocks, blocksStart, reachesStart, usersStart, wordCount }
}

function alignToLine(words: number): number {
  return Math.ceil(words / LINE_WORDS) * LINE_WORDS
}

function powerOfTwoAtLeast(count: number): number {
  return 1 << (32 - Math.clz32(count - 1))
}
