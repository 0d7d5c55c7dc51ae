/** An HTTP answer arrived, whatever its status. */
export const ANSWERED = 0
/**
 * The request may have reached the target and may have had its effect: a time-out, a cut
 * connection.
 */
export const UNKNOWN = 1
/** The request never left: there was no connection. */
export const NOT_SENT = 2

/** How a request ended: {@link ANSWERED}, {@link UNKNOWN} or {@link NOT_SENT}. */
export type ExchangeOutcome = typeof ANSWERED | typeof UNKNOWN | typeof NOT_SENT

/**
 * One request and its end, reused for every request of a connection so that the hot path allocates
 * nothing of its own. The scenario fills in `step` and `path`; the connection the rest. Monotonic
 * milliseconds, except where said.
 */
export class Exchange {
  /** 0-based number of the connection. */
  readonly connectionIndex: number
  /** Index into the scenario's steps. */
  step = 0
  /** Target of the POST, path and query. */
  path = '/'

  outcome: ExchangeOutcome = ANSWERED
  /** HTTP status; 0 without an answer. */
  status = 0
  /** Body as latin1 text; cut at 64 KiB. */
  body = ''
  /** Reason of a refusal, or code of the error; may be empty. */
  reason = ''
  /** What `Retry-After` asks for, in milliseconds; 0 when absent. */
  retryAfterMs = 0
  /** When the request should have been sent; in a closed loop, when it was. */
  dueAtMs = 0
  sentAtMs = 0
  endedAtMs = 0

  constructor(connectionIndex: number) {
    this.connectionIndex = connectionIndex
  }
}
