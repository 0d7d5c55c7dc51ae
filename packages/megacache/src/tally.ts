import { addWord, loadWord, readWord, type Words, writeWord } from './atomic-words.ts'
import { CONTROL, TALLY_ROWS, TALLY_START, TALLY_WORDS } from './layout.ts'
import { REFUSAL_REASONS, type Refusal, type RefusalReason } from './refusal.ts'

/**
 * Counters that cost a plain increment to keep and O(threads) to read: each thread adds to its own row, a
 * reader sums the rows. Threads beyond the number of rows share the last one and add to it atomically.
 *
 * A counter is 64 bits in two words. A reader that comes between the two halves of a carry, which happens
 * once in 2^32 counts, sees 2^32 too few for some nanoseconds.
 */
export class Tally {
  readonly #words: Words
  readonly #row: number
  readonly #isShared: boolean

  /** `threadNumber` counts the attached threads from 0. */
  constructor(words: Words, threadNumber: number) {
    this.#words = words
    this.#isShared = threadNumber >= SHARED_ROW
    this.#row = TALLY_START + Math.min(threadNumber, SHARED_ROW) * TALLY_WORDS
  }

  /** Counts one. Access: own row, unless the row is shared. */
  count(counter: Counter): void {
    const words = this.#words
    const index = this.#row + counter * 2
    if (this.#isShared) {
      // Adding 1 to a low word of all ones carries into the high word.
      if (addWord(words, index, 1) === -1) addWord(words, index + 1, 1)
      return
    }
    const low = (readWord(words, index) + 1) | 0
    writeWord(words, index, low)
    if (low === 0) writeWord(words, index + 1, readWord(words, index + 1) + 1)
  }

  /** Counts the refusal and returns it. */
  refused(refusal: Refusal): Refusal {
    this.count(COUNTER_OF_REASON[refusal.reason])
    return refusal
  }

  /** Slots that are not free, over all threads. */
  taken(): number {
    return this.total(RESERVED) + this.total(RESTORED) -
      this.total(EXPIRED) - this.total(ROLLED_BACK) - this.total(CANCELLED)
  }

  /** One counter over all threads. */
  total(counter: Counter): number {
    const words = this.#words
    const rows = Math.min(TALLY_ROWS, loadWord(words, CONTROL.threads) >>> 0)
    let sum = 0
    for (let row = 0; row < rows; row++) {
      const index = TALLY_START + row * TALLY_WORDS + counter * 2
      sum += (loadWord(words, index + 1) >>> 0) * 4_294_967_296 + (loadWord(words, index) >>> 0)
    }
    return sum
  }

  refusals(): Record<RefusalReason, number> {
    return mapReasons((_reason, index) => this.total(FIRST_REFUSAL + index))
  }
}

/** First phases of a reservation that took an item, whatever became of it. */
export const RESERVED = 0
export const EXPIRED = 1
export const ROLLED_BACK = 2
export const CANCELLED = 3
/** Items taken by `restore`. */
export const RESTORED = 4
const FIRST_REFUSAL = 5

export type Counter = number

const SHARED_ROW = TALLY_ROWS - 1

const COUNTER_OF_REASON: Readonly<Record<RefusalReason, Counter>> =
  Object.freeze(mapReasons((_reason, index) => FIRST_REFUSAL + index))

function mapReasons(valueOf: (reason: RefusalReason, index: number) => number): Record<RefusalReason, number> {
  const entries = REFUSAL_REASONS.map((reason, index) => [reason, valueOf(reason, index)])
  return Object.fromEntries(entries) as Record<RefusalReason, number>
}
