import type { Words } from '../../atomic-words.ts'

/**
 * Stands in for `atomic-words.ts` in the watched build of the engine (watch-source.ts): every shared access goes to
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

export function loadWord(words: Words, index: number): number {
  return watcher.load(words, index)
}

export function storeWord(words: Words, index: number, value: number): void {
  watcher.store(words, index, value)
}

export function casWord(words: Words, index: number, expected: number, next: number): boolean {
  return watcher.cas(words, index, expected, next)
}

export function confirmWord(words: Words, index: number, expected: number): boolean {
  return watcher.cas(words, index, expected, expected)
}

export function addWord(words: Words, index: number, delta: number): number {
  return watcher.add(words, index, delta)
}

export function readWord(words: Words, index: number): number {
  return watcher.read(words, index)
}

export function writeWord(words: Words, index: number, value: number): void {
  watcher.write(words, index, value)
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
