/** An HTTP answer arrived, whatever its status. */
export const ANSWERED = 0
/**
 * The request may have reached the target and may have had its effect: a time-out, a cut
 * connection.
 */
export const UNKNOWN = 1
/** The request never left: there was no connection, or the run was over. */
export const NOT_SENT = 2

/** How a request ended: {@link ANSWERED}, {@link UNKNOWN} or {@link NOT_SENT}. */
export type ExchangeOutcome = typeof ANSWERED | typeof UNKNOWN | typeof NOT_SENT

/** The `reason` of a request that was not sent because the run was over; it is not counted. */
export const RUN_ENDED = 'RUN_ENDED'

/** The `reason` of a request in flight that the generator cut off when its own run ended: no error of the target. */
export const CUT_BY_GENERATOR = 'CUT_BY_GENERATOR'

/** The `reason` of a request that was due and never sent: the backlog was full, or the run ended before its turn. */
export const NEVER_SENT = 'NEVER_SENT'

/** Headers of an answer, names in lower case. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>

/** The `reason` of a request that a lean connection has given up. */
export const REQUEST_TIMEOUT = 'ERR_REQUEST_TIMEOUT'

const TIMEOUTS: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  REQUEST_TIMEOUT,
])

/** Whether a request without an answer was given up, rather than refused or cut. */
export function isTimeout({ reason }: Exchange): boolean {
  return TIMEOUTS.has(reason)
}

/** Whoever made a request learns how it ended; it may send the next one from within. */
export interface ExchangeOwner {
  exchangeEnded(exchange: Exchange): void
}

const NO_HEADERS: AnswerHeaders = {}

/**
 * One request and its end, reused for request after request so that the hot path allocates nothing
 * of its own. The owner fills in the request; the connection the rest. Monotonic milliseconds.
 */
export class Exchange {
  readonly owner: ExchangeOwner
  /** Number that the owner gives it. */
  readonly index: number
  /** Index into the program's steps. */
  step = 0
  method: string = 'POST'
  /** Path and query. */
  path = '/'
  requestHeaders: Readonly<Record<string, string>> | undefined
  requestBody: string | Uint8Array | undefined
  /** Statuses from 400 on that are no errors. */
  expectedStatuses: ReadonlySet<number> | undefined
  /** When the request should be sent; 0: when it is handed over. Reset by every end. */
  dueAtMs = 0
  /** Whether it is the first of an arrival of an open loop; set by the engine. */
  isArrival = false

  outcome: ExchangeOutcome = ANSWERED
  /** HTTP status; 0 without an answer. */
  status = 0
  /** Body as latin1 text; cut at 64 KiB. */
  body = ''
  /** Length of the whole body in bytes. */
  bodyBytes = 0
  headers: AnswerHeaders = NO_HEADERS
  /** Reason of a refusal, or code of the error; may be empty. */
  reason = ''
  /** What `Retry-After` asks for, in milliseconds; 0 when absent. */
  retryAfterMs = 0
  sentAtMs = 0
  endedAtMs = 0

  constructor(owner: ExchangeOwner, index: number) {
    this.owner = owner
    this.index = index
  }

  /** Whether the end counts as an error of the target. */
  get isError(): boolean {
    if (this.reason === CUT_BY_GENERATOR) return false
    if (this.outcome !== ANSWERED) return true
    return this.status >= 400 && this.expectedStatuses?.has(this.status) !== true
  }
}
