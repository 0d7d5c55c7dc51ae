/** A request that waits for something outside this thread. */
export interface Waiting {
  readonly isAnswered: boolean
  /** Answers without the outcome. The operation itself goes on. */
  giveUp(): void
}

const TICK_MS = 250
/** How long a client waits for an answer that depends on the database. Spec 5.5. */
const PATIENCE_MS = 5_000

/**
 * Gives every waiting request an answer after five seconds, with one timer for all of them: requests are kept
 * in the order of their arrival, each with the number of the tick in which it came.
 */
export class Deadlines {
  #waiting: Waiting[] = []
  #ticks: number[] = []
  #head = 0
  #tick = 0
  readonly #timer: NodeJS.Timeout

  constructor() {
    this.#timer = setInterval(() => this.#onTick(), TICK_MS)
    this.#timer.unref()
  }

  add(waiting: Waiting): void {
    this.#waiting.push(waiting)
    this.#ticks.push(this.#tick)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #onTick(): void {
    this.#tick++
    const lastDue = this.#tick - PATIENCE_MS / TICK_MS
    const end = this.#waiting.length
    for (; this.#head < end; this.#head++) {
      const waiting = this.#waiting[this.#head]!
      if (waiting.isAnswered) continue
      if (this.#ticks[this.#head]! > lastDue) break
      waiting.giveUp()
    }
    if (this.#head === end) {
      this.#waiting = []
      this.#ticks = []
      this.#head = 0
    } else if (this.#head > 1024 && this.#head * 2 > end) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#ticks = this.#ticks.slice(this.#head)
      this.#head = 0
    }
  }
}
