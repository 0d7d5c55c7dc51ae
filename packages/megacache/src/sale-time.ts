/** Where the engine reads time. Inject another one in tests. */
export interface SaleTime {
  /**
   * Milliseconds, not negative, that never go back and that all threads of the process share; decides every
   * expiry. Fractions are welcome.
   */
  monotonicMs(): number
  /** Unix milliseconds; only reported, as `expiresAt`, never used to decide. */
  wallMs(): number
}

/**
 * The machine's clocks. `process.hrtime` reads one monotonic clock for the whole process, whereas
 * `performance.now` counts from the start of its own thread: where there is no `process.hrtime`, in browsers, the start is added.
 */
export const systemTime: SaleTime = Object.freeze({
  monotonicMs(): number {
    if (typeof process === 'undefined' || typeof process.hrtime !== 'function') return performance.timeOrigin + performance.now()
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1000 + nanoseconds / 1e6
  },
  wallMs(): number {
    return Date.now()
  },
})

/** Two readings of the wall clock are this far apart at least, in monotonic milliseconds. */
const WALL_READING_LASTS_MS = 1

/**
 * Tells monotonic times as Unix milliseconds. A reading of the wall clock costs as much as the rest of a
 * reservation, so one reading serves all calls of the same millisecond on the same thread.
 */
export class WallTime {
  readonly #time: SaleTime
  #readAtMs = Number.NEGATIVE_INFINITY
  #aheadMs = 0

  constructor(time: SaleTime) {
    this.#time = time
  }

  /** `nowMs` is the monotonic clock as the caller has just read it. */
  unixMsOf(monotonicMs: number, nowMs: number): number {
    if (!(nowMs - this.#readAtMs < WALL_READING_LASTS_MS)) {
      this.#aheadMs = this.#time.wallMs() - nowMs
      this.#readAtMs = nowMs
    }
    return Math.round(monotonicMs + this.#aheadMs)
  }
}
