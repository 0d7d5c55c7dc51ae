import type { Words } from '../../atomic-words.ts'

/**
 * Under `atomic-words.ts` in the watched build of the engine (watch-source.ts): every shared access goes to
 * a watcher, which decides whether it is done now. One watcher at a time; nothing here works without one.
 */
export interface Watcher {
  /** Sequentially consistent accesses. */
  load(words: Words, index: number): number
  store(words: Words, index: number, value: number): void
  cas(words: Words, index: number, expected: number, next: number): boolean
  add(words: Words, index: number, delta: number): number
  /** Plain accesses. */
  read(words: Words, index: number): number
  write(words: Words, index: number, value: number): void
  /** A loop of attempts begins; returns a mark for `again`. */
  attempts(): number
  /** Another attempt begins: the thread knows no more than it did at the mark. */
  again(mark: number): void
  /** 32 bits for a checkout code. */
  random(): number
}

let watcher: Watcher

/** From now on all accesses of this copy of the engine go to `next`. */
export function watch(next: Watcher): void {
  watcher = next
}

/** What `Atomics` is in the watched copy of `atomic-words.ts`. */
export const watchedAtomics = {
  load: (words: Words, index: number): number => watcher.load(words, index),
  store: (words: Words, index: number, value: number): void => { watcher.store(words, index, value) },
  add: (words: Words, index: number, delta: number): number => watcher.add(words, index, delta),
  /** Some other value than `expected` when it was lost: which, must not matter, so that states are fewer. */
  compareExchange: (words: Words, index: number, expected: number, next: number): number =>
    watcher.cas(words, index, expected, next) ? expected : ~expected,
}

/** Plain accesses of elements there. */
export const plain = {
  read: (words: Words, index: number): number => watcher.read(words, index),
  write: (words: Words, index: number, value: number): void => { watcher.write(words, index, value) },
}

/** Called at each loop of attempts: see watch-source.ts. */
export function attempts(): number {
  return watcher.attempts()
}

/** Called at each attempt but the first. */
export function again(mark: number): void {
  watcher.again(mark)
}

/** Stands in for `random-words.ts`: the same bits however often a call is run again. */
export class RandomWords {
  take(): number {
    return watcher.random()
  }
}
