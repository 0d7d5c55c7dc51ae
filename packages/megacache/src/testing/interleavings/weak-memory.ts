const NONE: readonly number[] = []

/**
 * What plain reads may see, after the ECMAScript memory model: any write that is not hidden from the reader by a
 * later one that happened before the read. It is known by vector clocks which writes those are. Three things follow
 * that no interleaving in program order shows:
 *
 * - a *stale* read sees a value although a newer one has been written, because nothing the reader has done since
 *   orders that write before it;
 * - an *early* read sees a value that is written later in the order of the schedule. It is guessed from what the world is
 *   known to write, and the schedule counts only if another thread does write that value before it has heard of
 *   anything that the reader did after the read. One such guess is open at a time;
 * - two plain reads of one word may see a newer value first and an older one then.
 *
 * Synchronisation is that of the standard: an atomic read that reads from an atomic write takes over what the writer
 * knew; a compare-and-swap that fails is a read. Atomic reads are exact: atomic accesses have one order, that of the
 * schedule. Left out: racing plain writes of one word are ordered as the schedule ran them; atomic reads of words
 * written plainly may be stale but not early.
 */
export class WeakMemory {
  /** For each address that a thread has written: what may still be seen, oldest first. */
  readonly #histories: (readonly Message[] | undefined)[] = []
  readonly #used: number[] = []
  /** Which values were ever written to an address, and by which threads, as bits. Grows over an exploration. */
  readonly #known = new Map<number, Map<number, number>>()
  readonly #threadCount: number
  #clocks: Int32Array[]
  #guess: Guess | undefined
  /** A value that was not known before has been written: what is explored with guesses is not complete. */
  hasGrown = false
  /** The next plain read sees this value early, whatever it might choose: how a recorded schedule is run again. */
  forced: number | undefined
  staleReads = 0
  earlyReads = 0
  /** What the choice that is being made is between: from `earlyFrom` on, these values early. */
  early: readonly number[] = NONE
  earlyFrom = 0

  constructor(threadCount: number) {
    this.#threadCount = threadCount
    this.#clocks = Array.from({ length: threadCount }, () => new Int32Array(threadCount))
  }

  /** Whether an early read has not come true. At the end of a schedule: it could not have happened. */
  get isOpen(): boolean {
    return this.#guess !== undefined
  }

  /** A plain read; `latest` is what was written last, `choose` picks one of several possibilities, 0 being that one. */
  read(address: number, thread: number, latest: number, choose: Choose): number {
    const history = this.#histories[address]
    if (this.forced !== undefined) return this.#guessed(address, thread, this.forced)
    const visible = history === undefined ? 1 : this.#visible(history, thread)
    const early = this.#guess === undefined ? this.#earlyValues(address, thread, history, latest) : NONE
    if (visible + early.length === 1) return latest
    this.early = early
    this.earlyFrom = visible
    const choice = choose(visible + early.length)
    if (choice === 0) return latest
    if (choice < visible) {
      this.staleReads++
      return history![history!.length - 1 - choice]!.value
    }
    return this.#guessed(address, thread, early[choice - visible]!)
  }

  /** An atomic read. */
  load(address: number, thread: number, latest: number, choose: Choose): number {
    const history = this.#histories[address]
    if (history === undefined) return latest
    let message = history.at(-1)!
    if (message.clock === undefined) {
      let visible = this.#visible(history, thread)
      for (let back = 0; back < visible; back++) {
        if (history[history.length - 1 - back]!.clock !== undefined) visible = back + 1
      }
      this.earlyFrom = visible
      const choice = visible === 1 ? 0 : choose(visible)
      if (choice > 0) this.staleReads++
      message = history[history.length - 1 - choice]!
    }
    this.#acquire(thread, message)
    return message.value
  }

  /** The reading half of a read-modify-write, which sees the last write always. */
  acquire(address: number, thread: number): void {
    const last = this.#histories[address]?.at(-1)
    if (last !== undefined) this.#acquire(thread, last)
  }

  /** Any write, `before` being what the address held. */
  write(address: number, thread: number, before: number, value: number, isAtomic: boolean): void {
    const clock = this.#clocks[thread]!
    const time = ++clock[thread]!
    let history = this.#histories[address]
    if (history === undefined) {
      history = [{ value: before, thread: -1, time: 0, clock: undefined }]
      this.#used.push(address)
    }
    const message = { value, thread, time, clock: isAtomic ? clock.slice() : undefined }
    let first = history.length - 1
    while (first > 0 && !this.#isKnownToAll(history[first]!)) first--
    this.#histories[address] = [...history.slice(first), message]
    this.#learn(address, thread, value)
    const guess = this.#guess
    if (
      guess !== undefined && guess.address === address && guess.value === value && guess.thread !== thread &&
      clock[guess.thread]! <= guess.time
    ) this.#guess = undefined
  }

  save(): WeakState {
    return {
      used: this.#used.slice(),
      histories: this.#used.map((address) => this.#histories[address]!),
      clocks: this.#clocks.map((clock) => clock.slice()),
      guess: this.#guess,
    }
  }

  restore(state: WeakState | undefined): void {
    for (const address of this.#used) this.#histories[address] = undefined
    this.#used.length = 0
    this.#guess = state?.guess
    if (state === undefined) {
      for (const clock of this.#clocks) clock.fill(0)
      return
    }
    this.#clocks = state.clocks.map((clock) => clock.slice())
    for (const [index, address] of state.used.entries()) {
      this.#used.push(address)
      this.#histories[address] = state.histories[index]!
    }
  }

  /** Everything that decides what the threads may see from here on. */
  hash(mix: (value: number) => void): void {
    for (const clock of this.#clocks) for (const time of clock) mix(time)
    const { address = -1, value = 0, thread = 0, time = 0 } = this.#guess ?? {}
    mix(address)
    mix(value)
    mix(thread * 65_536 + time)
    for (const used of this.#used.toSorted((a, b) => a - b)) {
      mix(used)
      for (const message of this.#histories[used]!) {
        mix(message.value)
        mix(message.thread * 65_536 + message.time)
        for (const known of message.clock ?? NONE) mix(known)
      }
    }
  }

  /** How many writes, from the newest back, the thread may see: up to the first that it knows. */
  #visible(history: readonly Message[], thread: number): number {
    let back = 0
    while (back < history.length - 1 && !this.#isKnown(history[history.length - 1 - back]!, thread)) back++
    return back + 1
  }

  #guessed(address: number, thread: number, value: number): number {
    this.earlyReads++
    this.#guess = { address, value, thread, time: this.#clocks[thread]![thread]! }
    return value
  }

  #earlyValues(address: number, thread: number, history: readonly Message[] | undefined, latest: number): readonly number[] {
    const known = this.#known.get(address)
    if (known === undefined) return NONE
    const early: number[] = []
    for (const [value, writers] of known) {
      const isSeen = history === undefined ? value === latest : history.some((message) => message.value === value)
      if (!isSeen && (writers & ~(1 << thread)) !== 0) early.push(value)
    }
    return early
  }

  #learn(address: number, thread: number, value: number): void {
    let known = this.#known.get(address)
    if (known === undefined) this.#known.set(address, known = new Map())
    const writers = known.get(value) ?? 0
    if ((writers & (1 << thread)) !== 0) return
    known.set(value, writers | (1 << thread))
    this.hasGrown = true
  }

  #acquire(thread: number, { clock }: Message): void {
    if (clock === undefined) return
    const own = this.#clocks[thread]!
    for (let other = 0; other < this.#threadCount; other++) if (clock[other]! > own[other]!) own[other] = clock[other]!
  }

  #isKnown(message: Message, thread: number): boolean {
    return message.thread < 0 || message.thread === thread || this.#clocks[thread]![message.thread]! >= message.time
  }

  #isKnownToAll(message: Message): boolean {
    for (let thread = 0; thread < this.#threadCount; thread++) if (!this.#isKnown(message, thread)) return false
    return true
  }
}

/** Picks one of `options` possibilities. */
export type Choose = (options: number) => number

export interface WeakState {
  readonly used: readonly number[]
  readonly histories: readonly (readonly Message[])[]
  readonly clocks: readonly Int32Array[]
  readonly guess: Guess | undefined
}

interface Message {
  readonly value: number
  /** -1: written before the threads started, which all of them know. */
  readonly thread: number
  readonly time: number
  /** What the writer knew, if the write was atomic. */
  readonly clock: Int32Array | undefined
}

interface Guess {
  readonly address: number
  readonly value: number
  readonly thread: number
  /** Of the reader's writes, the last before the read. */
  readonly time: number
}
