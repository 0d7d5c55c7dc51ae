/** Where the engine reads time. Inject another one in tests. */
export interface SaleTime {
  /** Milliseconds that never go back and that all threads of the process share; decides every expiry. */
  monotonicMs(): number
  /** Unix milliseconds; only reported, as `expiresAt`, never used to decide. */
  wallMs(): number
}

/**
 * The machine's clocks. `process.hrtime` reads one monotonic clock for the whole process, whereas
 * `performance.now` counts from the start of its own thread and cannot be compared across threads.
 */
export const systemTime: SaleTime = Object.freeze({
  monotonicMs(): number {
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1000 + nanoseconds / 1e6
  },
  wallMs(): number {
    return Date.now()
  },
})
