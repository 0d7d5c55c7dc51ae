import type { Owner, Timeline } from '../world/timeline.ts'
import type { Random } from '../world/random.ts'
import type { Transaction } from './transaction.ts'

/**
 * The log of commits: a commit is told to its client when it is kept, here and, with synchronous replication, on the
 * standby. Both are one thing here: a position up to which the log survives whatever happens to the server.
 */
export class CommitLog {
  readonly #timeline: Timeline
  readonly #random: Random
  readonly #owner: Owner
  readonly #flushMsMax: number
  #last = 0
  #kept = 0
  #keptAtMs = 0
  #stalledUntilMs = 0
  #notKept: Transaction[] = []
  #waiting: { readonly position: number, readonly done: () => void }[] = []

  constructor(timeline: Timeline, random: Random, owner: Owner, flushMsMax: number) {
    this.#timeline = timeline
    this.#random = random
    this.#owner = owner
    this.#flushMsMax = flushMsMax
  }

  /** Nothing is kept for so long: a disk that hangs, a standby that is away. */
  stall(ms: number): void {
    this.#stalledUntilMs = this.#timeline.nowMs + ms
  }

  get isStalled(): boolean {
    return this.#timeline.nowMs < this.#stalledUntilMs
  }

  /** Writes the commit of a transaction and asks for it to be kept. */
  append(transaction: Transaction): void {
    this.#last += 1
    transaction.logPosition = this.#last
    this.#notKept.push(transaction)
    const now = this.#timeline.nowMs
    const flushedAtMs = Math.max(now, this.#stalledUntilMs) + this.#random.skewed(0.05, this.#flushMsMax)
    this.#keptAtMs = Math.max(this.#keptAtMs, flushedAtMs)
    const position = this.#last
    this.#timeline.after(this.#keptAtMs - now, () => this.#keep(position), this.#owner)
  }

  /** Calls `done` when the log is kept up to a position. Returns how to stop waiting. */
  whenKept(position: number, done: () => void): () => void {
    if (this.#kept >= position) {
      done()
      return () => {}
    }
    const waiting = { position, done }
    this.#waiting.push(waiting)
    return () => { this.#waiting = this.#waiting.filter((one) => one !== waiting) }
  }

  /**
   * The server is gone: of what was not kept a random first part has survived all the same. Returns what has and
   * what has not.
   */
  crash(): { survived: Transaction[], lost: Transaction[] } {
    const survivedCount = this.#random.integer(0, this.#notKept.length)
    const survived = this.#notKept.slice(0, survivedCount)
    const lost = this.#notKept.slice(survivedCount)
    this.#notKept = []
    this.#waiting = []
    this.#kept = this.#last
    return { survived, lost }
  }

  #keep(position: number): void {
    if (position <= this.#kept) return
    if (this.isStalled) {
      this.#timeline.after(this.#stalledUntilMs - this.#timeline.nowMs, () => this.#keep(position), this.#owner)
      return
    }
    this.#kept = position
    this.#notKept = this.#notKept.filter((one) => one.logPosition > position)
    const due = this.#waiting.filter((one) => one.position <= position)
    this.#waiting = this.#waiting.filter((one) => one.position > position)
    for (const { done } of due) done()
  }
}
