import type { Exchange } from '../engine/exchange.ts'

/** Pause after a 503 that names none, in milliseconds. */
const OVERLOAD_PAUSE_MS = 20
/** Longest pause that a `Retry-After` can ask for, in milliseconds. */
const RETRY_AFTER_MAX_MS = 5_000

/** The pause that a 503 asks for, within bounds, in milliseconds. */
export function overloadPauseMs(exchange: Exchange): number {
  const asked = exchange.retryAfterMs
  return asked === 0 ? OVERLOAD_PAUSE_MS : Math.min(asked, RETRY_AFTER_MAX_MS)
}
