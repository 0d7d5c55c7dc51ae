/** A monotonic clock: unaffected by wall-clock steps, any origin, milliseconds with fractions. */
export interface MonotonicClock {
  nowMs(): number
}

/** The process's own monotonic clock, shared by all its threads up to their different origins. */
export const processClock: MonotonicClock = { nowMs: () => performance.now() }
