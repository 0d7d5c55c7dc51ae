import type { Timers } from '../timers.ts'
import type { ManualClock } from './manual-clock.ts'

/** Longest delay that a real timer takes; above it Node fires after 1 ms (Node docs, "Timers"). */
const delayMsMax = 2 ** 31 - 1

// Taken once, so that a test runner's fake timers do not stop manual time.
const realSetImmediate = setImmediate

interface Pending {
  readonly callback: () => void
  readonly atMonotonicMs: number
}

/** Timers that fire when a test moves a `ManualClock`, with the faults of real ones. */
export class ManualTimers implements Timers {
  /**
   * Milliseconds by which timers set from now on fire late, or early when negative. Real ones fire
   * up to 1 ms early, and late without bound.
   */
  lateMs = 0
  readonly #clock: ManualClock
  readonly #pending = new Map<unknown, Pending>()
  #lastHandle = 0

  constructor(clock: ManualClock) {
    this.#clock = clock
  }

  /** How many timers are set and have not fired. */
  get pendingCount(): number {
    return this.#pending.size
  }

  /**
   * Delays are clamped as real timers do: at least 1 ms, and 1 ms above 2^31 - 1. However early a
   * timer fires, some time has passed: at least half a millisecond, so that no loop of early
   * timers stands still.
   */
  setTimeout(callback: () => void, delayMs: number): unknown {
    const isReal = delayMs >= 1 && delayMs <= delayMsMax
    const passesMs = Math.max(0.5, (isReal ? delayMs : 1) + this.lateMs)
    const atMonotonicMs = this.#clock.monotonicMs() + passesMs
    this.#lastHandle += 1
    this.#pending.set(this.#lastHandle, { callback, atMonotonicMs })
    return this.#lastHandle
  }

  clearTimeout(handle: unknown): void {
    this.#pending.delete(handle)
  }

  /**
   * Lets `ms` pass: moves the clock from timer to timer, runs each one at its instant, and after
   * each lets promises settle. `advance(0)` only runs what is due. What a callback throws rejects
   * it.
   *
   * @param ms milliseconds, 0 or more
   * @param callbacksMax gives up with a RangeError after this many timers; default 10 million
   */
  async advance(ms: number, callbacksMax = 10_000_000): Promise<void> {
    const untilMs = this.#clock.monotonicMs() + ms
    await settle()
    for (let callbackCount = 0; ; callbackCount++) {
      const due = this.#earliest(untilMs)
      if (due === undefined) break
      if (callbackCount >= callbacksMax) throw new RangeError(`over ${callbacksMax} timers fired`)
      const [handle, { callback, atMonotonicMs }] = due
      this.#pending.delete(handle)
      this.#clock.advance(Math.max(0, atMonotonicMs - this.#clock.monotonicMs()))
      callback()
      await settle()
    }
    this.#clock.advance(Math.max(0, untilMs - this.#clock.monotonicMs()))
  }

  /** Of those due at the same instant, the one set first. */
  #earliest(untilMs: number): [unknown, Pending] | undefined {
    let earliest: [unknown, Pending] | undefined
    for (const entry of this.#pending) {
      const { atMonotonicMs } = entry[1]
      if (atMonotonicMs > untilMs) continue
      if (earliest === undefined || atMonotonicMs < earliest[1].atMonotonicMs) earliest = entry
    }
    return earliest
  }
}

/** Every promise chain that needs no timer has run to its end when a macrotask has passed. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    realSetImmediate(resolve)
  })
}
