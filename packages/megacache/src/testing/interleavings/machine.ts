import type { Words } from '../../atomic-words.ts'
import type { Access, AccessKind } from './access.ts'
import { Addresses, CELL_CONTROL, SLOT_WORD } from './addresses.ts'
import { ChangedWords } from './changed-words.ts'
import { Coverage, wrongTransition } from './coverage.ts'
import type { ChoiceMade } from './schedule.ts'
import type { Watcher } from './watched-words.ts'
import type { WeakMemory } from './weak-memory.ts'

/**
 * Runs one thread at a time over the words of a world and stops it where it is told to. A thread stops by an exception
 * out of its next access and goes on by being run again from its start: the answers that it got (`log`) are
 * given to it again, without effect, and determine where it is. What a thread does must therefore depend on nothing else.
 *
 * Only accesses of words that two threads use and one of them writes are scheduling points (`isShared`). Which
 * words these are is found out while exploring: an exploration that finds a new one is not complete and starts again.
 * All other accesses can be seen by no other thread, so when they happen makes no difference to any of them.
 */
export class Machine implements Watcher {
  /** The answers of the thread that runs. */
  log: number[] = []
  coverage: Coverage = new Coverage()
  weak: WeakMemory | undefined
  /** Every access is a scheduling point. */
  isEverythingScheduled = false
  /** Weak memory remembers the writes of all words, whether known to be shared or not. */
  isEverythingRemembered = false
  /** How often the thread of this run began an attempt anew. */
  attemptsMade = 0
  /** Whether failed attempts are forgotten in the log, which a thread that may be exhausted by them must not. */
  isForgetful = false
  /** Whether a new attempt ends the run: what the thread waits for is done by others. */
  isYielding = false
  /** Scheduling points and accesses of this run. */
  pointsMade = 0
  accessesMade = 0
  /** A step that no correct engine makes. */
  fault: string | undefined
  pick: (options: number) => number = () => 0
  /** Whether the world asks, and not memory. */
  isChoosing = false
  onAccess: ((access: Access) => void) | undefined
  readonly addresses: Addresses = new Addresses()
  readonly #changed = new ChangedWords()
  #isFrozen = false
  #thread = -1
  #bit = 0
  #cursor = 0
  #replayUntil = 0
  #pointsLeft = 0
  #accessesLeft = 0
  #randomCount = 0
  #asideCount = 0
  /** All checkout codes have the same random bits: only sale, slot and tenure tell them apart. */
  isSameBits = false

  /** The state of now is the one that every schedule starts from. */
  freeze(): void {
    this.#isFrozen = true
    this.addresses.useCells()
  }

  /** Accesses of nobody that leave no trace: opening a sale counts its threads. */
  unrecorded<T>(run: () => T): T {
    const isFrozen = this.#isFrozen
    this.#isFrozen = false
    const result = run()
    this.#isFrozen = isFrozen
    return result
  }

  /** Starts or goes on with a thread: `log` is what it knows, and grows. It stops before the point after `points`. */
  begin(thread: number, log: number[], points: number, accesses: number): void {
    this.log = log
    this.#thread = thread
    this.#bit = 1 << thread
    this.#cursor = 0
    this.#replayUntil = log.length
    this.#pointsLeft = points
    this.#accessesLeft = accesses
    this.#randomCount = 0
    this.attemptsMade = 0
    this.pointsMade = 0
    this.accessesMade = 0
  }

  /** Accesses are not scheduled until the next `begin`. Says whether the thread was stopped. */
  end(): boolean {
    this.#thread = -1
    this.#cursor = this.#replayUntil = 0
    return this.#accessesLeft === STOPPED
  }

  load(words: Words, index: number): number {
    if (this.#cursor < this.#replayUntil) return this.log[this.#cursor++]!
    if (this.#thread < 0) return words[index]!
    const address = this.#point(words, index, false, true)
    const latest = words[index]!
    const value = this.#isWeak(address) ? this.weak!.load(address, this.#thread, latest, this.pick) : latest
    return this.#answer('load', address, value, value, value)
  }

  read(words: Words, index: number): number {
    if (this.#cursor < this.#replayUntil) return this.log[this.#cursor++]!
    if (this.#thread < 0) return words[index]!
    const address = this.#point(words, index, false, true)
    const latest = words[index]!
    const value = this.#isWeak(address) ? this.weak!.read(address, this.#thread, latest, this.pick) : latest
    return this.#answer('read', address, latest, value, value)
  }

  store(words: Words, index: number, value: number): void {
    this.#write(words, index, value, 'store')
  }

  write(words: Words, index: number, value: number): void {
    this.#write(words, index, value, 'write')
  }

  cas(words: Words, index: number, expected: number, next: number): boolean {
    if (this.#cursor < this.#replayUntil) return this.log[this.#cursor++] === 1
    if (this.#thread < 0) {
      if (words[index] !== expected) return false
      this.#setAside(words, index, next)
      return true
    }
    const address = this.#point(words, index, expected !== next, true)
    const before = words[index]!
    this.weak?.acquire(address, this.#thread)
    if (before !== expected) {
      const kind = this.addresses.kindOf(address)
      if (kind === SLOT_WORD) this.coverage.slotLost(expected, next)
      else if (kind === CELL_CONTROL) this.coverage.cellLost(expected, next)
      return this.#answer('lost cas', address, before, before, 0) === 1
    }
    this.#change(words, index, address, before, next, true)
    return this.#answer(expected === next ? 'confirm' : 'cas', address, before, next, 1) === 1
  }

  add(words: Words, index: number, delta: number): number {
    if (this.#cursor < this.#replayUntil) return this.log[this.#cursor++]!
    const before = words[index]!
    if (this.#thread < 0) {
      this.#setAside(words, index, (before + delta) | 0)
      return before
    }
    const address = this.#point(words, index, true, true)
    this.weak?.acquire(address, this.#thread)
    this.#change(words, index, address, before, (before + delta) | 0, true)
    return this.#answer('add', address, before, words[index]!, before)
  }

  attempts(): number {
    return this.#cursor
  }

  again(mark: number): void {
    if (this.#thread < 0 || this.#cursor < this.#replayUntil) return
    this.attemptsMade++
    if (this.isForgetful) {
      this.log.length = mark
      this.#cursor = this.#replayUntil = mark
    } else if (this.isYielding && this.accessesMade > 0) {
      this.#accessesLeft = 0
    }
  }

  random(): number {
    if (this.isSameBits) return 7
    const count = this.#thread < 0 ? this.#asideCount++ : this.#randomCount++
    return Math.imul(count * 16 + this.#thread + 2, 0x9e3779b1)
  }

  /** One of `options` possibilities that the world leaves open. A scheduling point of its own. */
  choose(options: number): number {
    if (this.#cursor < this.#replayUntil) return this.log[this.#cursor++]!
    if (this.#thread < 0) return 0
    if (this.#accessesLeft <= 0 || this.#pointsLeft === 0) this.#stop()
    this.#accessesLeft--
    this.#pointsLeft--
    this.accessesMade++
    this.pointsMade++
    this.isChoosing = true
    const choice = this.pick(options)
    this.isChoosing = false
    return this.#answer('choose', -1, 0, choice, choice)
  }

  /** A choice of the thread that runs as a schedule records it; `accesses` are those before this run. */
  choiceMade(accesses: number, choice: number): ChoiceMade {
    const { weak } = this
    const isEarly = !this.isChoosing && weak !== undefined && choice >= weak.earlyFrom
    return {
      thread: this.#thread,
      access: accesses + this.accessesMade,
      choice: isEarly ? weak.early[choice - weak.earlyFrom]! : choice,
      isEarly,
    }
  }

  /** The state of all words, for `restore`; undefined there is the state that was frozen. */
  save(): Int32Array {
    return this.#changed.save()
  }

  restore(values: Int32Array | undefined): void {
    this.#changed.restore(values)
  }

  /** Tells what every word holds. */
  hash(mix: (value: number) => void): void {
    this.#changed.hash(mix)
  }

  #isWeak(address: number): boolean {
    return this.weak !== undefined && (this.addresses.isShared(address) || this.isEverythingRemembered)
  }

  #write(words: Words, index: number, value: number, kind: 'store' | 'write'): void {
    if (this.#cursor < this.#replayUntil) {
      this.#cursor++
      return
    }
    if (this.#thread < 0) {
      this.#setAside(words, index, value)
      return
    }
    // With weak memory a plain write may as well follow the access before it at once: readers may see it or not.
    const address = this.#point(words, index, true, kind === 'store' || this.weak === undefined)
    const before = words[index]!
    this.#change(words, index, address, before, value, kind === 'store')
    this.#answer(kind, address, before, value, 0)
  }

  #change(words: Words, index: number, address: number, before: number, next: number, isAtomic: boolean): void {
    const kind = this.addresses.kindOf(address)
    if (kind === SLOT_WORD) {
      this.coverage.slotChanged(before, next)
      this.fault ??= wrongTransition(before, next)
    } else if (kind === CELL_CONTROL) this.coverage.cellChanged(before, next)
    if (this.#isWeak(address)) this.weak!.write(address, this.#thread, before, next, isAtomic)
    this.#set(words, index, address, next)
  }

  #set(words: Words, index: number, address: number, value: number): void {
    if (this.#changed.add(words, index, address) && this.addresses.kindOf(address) === CELL_CONTROL) this.addresses.useCell(address)
    words[index] = value
  }

  /** A write of nobody: undone after the end of a schedule, for ever before the first. */
  #setAside(words: Words, index: number, value: number): void {
    if (this.#isFrozen) this.#set(words, index, this.addresses.of(words, index), value)
    else words[index] = value
  }

  #point(words: Words, index: number, isWrite: boolean, isSchedulable: boolean): number {
    if (this.#accessesLeft <= 0) this.#stop()
    const address = this.addresses.of(words, index)
    const isShared = this.addresses.use(address, this.#bit, isWrite)
    if (isSchedulable && (isShared || this.isEverythingScheduled)) {
      if (this.#pointsLeft === 0) this.#stop()
      this.#pointsLeft--
      this.pointsMade++
    }
    this.#accessesLeft--
    this.accessesMade++
    return address
  }

  #stop(): never {
    // Whatever runs while the thread is left (`using`, `finally`) stops at its first access, too.
    this.#accessesLeft = STOPPED
    throw SUSPENDED
  }

  #answer(kind: AccessKind, address: number, before: number, after: number, answer: number): number {
    this.log.push(answer)
    this.#cursor = this.#replayUntil = this.log.length
    this.onAccess?.({ thread: this.#thread, kind, address, before, after })
    return answer
  }
}

/** More than any schedule has. */
export const UNLIMITED = 0x3fff_ffff
const STOPPED = -1
/** One object for all: making an error takes longer than all the rest of a step. */
const SUSPENDED = Object.freeze(new Error('a watched thread is stopped; worlds must let this pass'))
