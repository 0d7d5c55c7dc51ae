/**
 * The port through which time enters. Two clocks, because they answer different questions: wall
 * time says which sale it is and may step in both directions; monotonic time measures waiting,
 * never steps, and stands still while the machine is suspended.
 */
export interface Clock {
  /** Wall time in Unix milliseconds; fractions are allowed. */
  wallMs(): number
  /** Milliseconds since an arbitrary origin; never decreases. */
  monotonicMs(): number
}

/**
 * The clocks of this machine. Monotonic time comes from `process.hrtime`, whose origin is the same
 * in every thread of the process. That of `performance.now` belongs to each global object (W3C
 * High Resolution Time); the Node releases we measured, 20 and 26, share it between threads, but
 * do not promise to.
 *
 * Any thread may call it, and the monotonic instants of all threads are comparable.
 */
export const systemClock: Clock = Object.freeze({
  wallMs: (): number => Date.now(),
  monotonicMs: (): number => {
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1_000 + nanoseconds / 1e6
  },
})
