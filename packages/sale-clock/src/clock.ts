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
 * in every thread of the process; that of `performance.now` is the start of its own thread, so
 * instants taken in two threads could not be compared.
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
