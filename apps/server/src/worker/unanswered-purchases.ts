/**
 * Purchases that were made durable after their client had been told "unknown" (503). The next try of such a
 * code is answered 200, once, on whichever thread it comes: of all tries of a code that bought exactly one hears so.
 *
 * One bit an item, in memory that all threads share. Lost in a crash: after it such a try is `already_purchased`.
 */
export class UnansweredPurchases {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array<SharedArrayBuffer>

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.#words = new Int32Array(memory)
  }

  static memoryFor(items: number): SharedArrayBuffer {
    return new SharedArrayBuffer(Math.ceil(items / 32) * 4)
  }

  /** Before the slot is SOLD, so that nobody finds it sold and not yet noted here. */
  add(itemId: number): void {
    Atomics.or(this.#words, itemId >>> 5, 1 << (itemId & 31))
  }

  /** Whether the caller is the one to answer 200. */
  claim(itemId: number): boolean {
    const bit = 1 << (itemId & 31)
    return (Atomics.and(this.#words, itemId >>> 5, ~bit) & bit) !== 0
  }
}
