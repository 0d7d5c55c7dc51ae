/**
 * The port through which waiting enters. A timer is only a hint: it may fire early or late, and
 * whoever set it looks at the clock again.
 */
export interface Timers {
  /** Calls `callback` once, about `delayMs` milliseconds from now; returns what cancels it. */
  setTimeout(callback: () => void, delayMs: number): unknown
  /** Cancels a timer that `setTimeout` of the same port returned; harmless when it has fired. */
  clearTimeout(handle: unknown): void
}

/** The timers of this thread's event loop. They keep the process alive until they are cleared. */
export const systemTimers: Timers = Object.freeze({
  setTimeout: (callback: () => void, delayMs: number): unknown => setTimeout(callback, delayMs),
  // Only ever given what the line above returned, so the narrower parameter is safe.
  clearTimeout: (handle: NodeJS.Timeout): void => clearTimeout(handle),
})
