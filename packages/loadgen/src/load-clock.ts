/**
 * Where the load generator gets its time from: one narrow port, so that a test or a simulation can
 * own it.
 *
 * All durations are milliseconds. `monotonicMs` never steps and has a fraction; `wallMs` is Unix
 * time and may step, so it is only written into records, never subtracted.
 */
export interface LoadClock {
  /** Milliseconds since an arbitrary origin, never going back. */
  monotonicMs(): number
  /** Unix time in milliseconds. */
  wallMs(): number
  /** CPU time, user and system, that this process has used, in milliseconds. */
  cpuMs(): number
  /** Calls `run` once after `delayMs` (0 to 2^31 - 1); the returned function cancels it. */
  setTimer(delayMs: number, run: () => void): () => void
  /** Calls `run` in the next turn of the event loop, microseconds later; the returned function cancels it. */
  setTurn(run: () => void): () => void
}

/** The real clocks and timers of this process. */
export const systemClock: LoadClock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  cpuMs: () => {
    const used = process.cpuUsage()
    return (used.user + used.system) / 1_000
  },
  setTimer: (delayMs, run) => {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
  setTurn: (run) => {
    const turn = setImmediate(run)
    return () => clearImmediate(turn)
  },
}
