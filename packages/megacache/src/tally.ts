import { addWord, loadWord, type Words } from './atomic-words.ts'
import { TALLY_ROWS, TALLY_START, TALLY_WORDS } from './layout.ts'
import { REFUSAL_REASONS, type Refusal, type RefusalReason } from './refusal.ts'

/**
 * Counters that cost O(1) to keep and O(threads) to read: each thread adds to its own row, a reader sums the
 * rows. Adding is atomic although the row is a thread's own, because threads beyond TALLY_ROWS share rows.
 *
 * Word 0 of a row is `taken`, a balance: slots this thread took minus slots it freed (a slot may be freed by
 * another thread than took it, so only the sum means anything). All others are 64-bit counters in two words.
 */
export class Tally {
  readonly #words: Words
  readonly #row: number

  /** `threadNumber` counts the attached threads from 0. */
  constructor(words: Words, threadNumber: number) {
    this.#words = words
    this.#row = TALLY_START + (threadNumber % TALLY_ROWS) * TALLY_WORDS
  }

  took(): void {
    addWord(this.#words, this.#row, 1)
  }

  freed(): void {
    addWord(this.#words, this.#row, -1)
  }

  count(counter: Counter): void {
    const index = this.#row + 1 + counter * 2
    // Adding 1 to a low word of all ones carries into the high word.
    if (addWord(this.#words, index, 1) === -1) addWord(this.#words, index + 1, 1)
  }

  /** Counts the refusal and returns it. */
  refused(refusal: Refusal): Refusal {
    this.count(COUNTER_OF_REASON[refusal.reason])
    return refusal
  }

  /** Slots that are not free, over all threads. */
  taken(): number {
    let sum = 0
    for (let row = 0; row < TALLY_ROWS; row++) sum += loadWord(this.#words, TALLY_START + row * TALLY_WORDS)
    return sum
  }

  total(counter: Counter): number {
    let sum = 0
    for (let row = 0; row < TALLY_ROWS; row++) {
      const index = TALLY_START + row * TALLY_WORDS + 1 + counter * 2
      sum += loadWord(this.#words, index + 1) * 4_294_967_296 + (loadWord(this.#words, index) >>> 0)
    }
    return sum
  }

  refusals(): Record<RefusalReason, number> {
    const counts = {} as Record<RefusalReason, number>
    for (const reason of REFUSAL_REASONS) counts[reason] = this.total(COUNTER_OF_REASON[reason])
    return counts
  }
}

export const RESERVED = 0
export const EXPIRED = 1
export const ROLLED_BACK = 2
export const CANCELLED = 3
const FIRST_REFUSAL = 4

export type Counter = number

const COUNTER_OF_REASON: Readonly<Record<RefusalReason, Counter>> = Object.freeze(
  Object.fromEntries(REFUSAL_REASONS.map((reason, index) => [reason, FIRST_REFUSAL + index])),
) as Readonly<Record<RefusalReason, Counter>>
