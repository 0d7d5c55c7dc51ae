/**
 * Every access to shared memory in this package, and the only file that names `Atomics`.
 *
 * Two access modes, told apart by name:
 *
 * - `load`, `store`, `cas` (compare-and-swap), `add`: sequentially consistent. Each costs 8 to 10 ns in V8,
 *   loads included, because it is a call and not an instruction.
 * - `read`, `write`: plain, about 1 ns. Words of 32 bits never tear. They are used only where one of these holds,
 *   and each use says which:
 *   1. *Owned*: no other thread may write the word now, because of the state of a control word that this
 *      thread changed by compare-and-swap.
 *   2. *Published*: written before a `store` or `cas` of the control word that readers `load` first. A value
 *      read this way is acted on only through a later successful `cas` or `confirm` of that same control word: whoever
 *      writes the value anew does so after a later `cas` of the control word, which then has read from ours,
 *      so the new value cannot have been seen (ECMAScript memory model, happens-before through reads-from;
 *      on ARM the release half of the `cas` keeps the read before it). A value that only leads to a refusal
 *      may be newer than the control word; it is then true of the moment it was read.
 *   3. *Final*: the value, once seen, never changes again (a sold slot, a closed sale).
 *   4. *Own row*: a counter that one thread writes and others only read.
 *   5. *Hint*: what is seen only decides whether to look properly, by a `load`.
 *
 * Replacing the bodies of `readWord` and `writeWord` by `Atomics` changes nothing but the speed.
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

/**
 * Whether the word still holds `expected`, found out by a compare-and-swap that changes nothing. Unlike a `load` it
 * also proves that what was read plainly before it (rule 2) belongs to that word.
 */
export function confirmWord(words: Words, index: number, expected: number): boolean {
  return Atomics.compareExchange(words, index, expected, expected) === expected
}

/** Adds and returns the word as it was before. Wraps at 32 bits. */
export function addWord(words: Words, index: number, delta: number): number {
  return Atomics.add(words, index, delta)
}

/** A plain read: only where the rules above allow it. */
export function readWord(words: Words, index: number): number {
  return words[index]!
}

/** A plain write: only where the rules above allow it. */
export function writeWord(words: Words, index: number, value: number): void {
  words[index] = value
}
