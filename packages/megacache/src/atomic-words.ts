/**
 * Every access to shared memory in this package, and the only file that names `Atomics`.
 *
 * JavaScript gives one memory order, sequential consistency, so the names say only what is done:
 * `load`, `store`, `cas` (compare-and-swap), `add`. A store is a full exchange on x86 and costs about
 * as much as a compare-and-swap; a load costs as much as a plain read.
 *
 * Keeping the accesses here lets a test put a scheduling point before each of them.
 */

/** A view of shared words. All of the engine's state is 32-bit: `BigInt64Array` would allocate on every read. */
export type Words = Int32Array<SharedArrayBuffer>

export function loadWord(words: Words, index: number): number {
  return Atomics.load(words, index)
}

export function storeWord(words: Words, index: number, value: number): void {
  Atomics.store(words, index, value)
}

/** Writes `next` only if the word still holds `expected`; says whether it did. */
export function casWord(words: Words, index: number, expected: number, next: number): boolean {
  return Atomics.compareExchange(words, index, expected, next) === expected
}

/** Adds and returns the word as it was before. Wraps at 32 bits. */
export function addWord(words: Words, index: number, delta: number): number {
  return Atomics.add(words, index, delta)
}
