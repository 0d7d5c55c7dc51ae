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
 * Gives every waiting request an answer after five seconds, or a tick more, with one timer for all of them: requests
 * are kept in the order of their arrival, each with its time. Ticks are not counted instead: a thread that was held
 * up has fewer of them, and its clients would wait the longer for it.
 */
export class Deadlines {
  #waiting: Waiting[] = []
  #sinceMs: number[] = []
  #head = 0
  readonly #timer: NodeJS.Timeout

  constructor() {
    this.#timer = setInterval(() => this.#onTick(), TICK_MS)
    this.#timer.unref()
  }

  /** `sinceMs` is when the request came, `performance.now()`; an earlier one when it has waited for something else before. */
  add(waiting: Waiting, sinceMs = performance.now()): void {
    let at = this.#waiting.length
    while (at > this.#head && this.#sinceMs[at - 1]! > sinceMs) at--
    if (at === this.#waiting.length) {
      this.#waiting.push(waiting)
      this.#sinceMs.push(sinceMs)
    } else {
      this.#waiting.splice(at, 0, waiting)
      this.#sinceMs.splice(at, 0, sinceMs)
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #onTick(): void {
    const lastDueMs = performance.now() - PATIENCE_MS
    // What giving up adds is looked at in the next tick.
    const end = this.#waiting.length
    for (; this.#head < end; this.#head++) {
      const waiting = this.#waiting[this.#head]!
      if (waiting.isAnswered) continue
      if (this.#sinceMs[this.#head]! > lastDueMs) break
      waiting.giveUp()
    }
    if (this.#head === this.#waiting.length) {
      this.#waiting = []
      this.#sinceMs = []
      this.#head = 0
    } else if (this.#head > 1024 && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#sinceMs = this.#sinceMs.slice(this.#head)
      this.#head = 0
    }
  }
}
