/** A pending timer. */
export interface Timer {
  /** Ends it; harmless after it has run. */
  cancel(): void
}

/** Everything here that waits, waits through this port, so that a simulation can own time. */
export interface Timers {
  /** Runs `task` once after `delayMs`; keeps the process alive until then: somebody waits for it. */
  after(delayMs: number, task: () => void): Timer
  /** Runs `task` each `periodMs`; does not keep the process alive. */
  every(periodMs: number, task: () => void): Timer
  /** Runs `task` after the events already received in this turn of the loop. */
  defer(task: () => void): void
}

/** Node's timers. */
export const nodeTimers: Timers = {
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
  every(periodMs, task) {
    const timer = setInterval(task, periodMs).unref()
    return { cancel: () => clearInterval(timer) }
  },
  defer(task) {
    setImmediate(task)
  },
}
