import { isCheckoutCode, saleIdOfCode } from '../checkout-code.ts'
import { ANSWERED, type Exchange, NOT_SENT } from '../engine/exchange.ts'
import type { CallStep, RecordedCall } from '../history/call-history.ts'

/** What a call was about, as far as its request says. */
export interface CallSubject {
  readonly step: CallStep
  readonly itemId: number
  readonly userId: string
  /** The code that the request names; empty for a checkout. */
  readonly code: string
}

/**
 * Turns ended requests into calls of the history and keeps them until they are taken.
 *
 * Times are on one clock for all threads: the wall time at the begin of the run plus the monotonic
 * clock, so `unixOriginMs` is what to add to a reading of this thread's monotonic clock.
 */
export class CallRecorder {
  private readonly unixOriginMs: number
  private calls: RecordedCall[] = []

  constructor(unixOriginMs: number) {
    this.unixOriginMs = unixOriginMs
  }

  /** Records how a request ended; one that never left is no call. */
  record(exchange: Exchange, subject: CallSubject): void {
    if (exchange.outcome === NOT_SENT) return
    const isAnswer = exchange.outcome === ANSWERED
    const outcome =
      !isAnswer || exchange.status >= 500
        ? 'unknown'
        : exchange.status >= 400
          ? 'refused'
          : 'acknowledged'
    const isShown = outcome === 'acknowledged' && subject.step === 'read'
    const isGrant = outcome === 'acknowledged' && subject.step === 'checkout'
    const code = isGrant ? exchange.body.slice(0, 64) : subject.code
    this.calls.push({
      step: subject.step,
      outcome,
      status: isAnswer ? exchange.status : 0,
      reason: exchange.reason,
      saleId: isCheckoutCode(code) ? saleIdOfCode(code) : 0,
      itemId: subject.itemId,
      userId: subject.userId,
      code,
      sentAtMs: this.unixOriginMs + exchange.sentAtMs,
      answeredAtMs: this.unixOriginMs + exchange.endedAtMs,
      ...(isShown ? reservationShown(exchange.body) : {}),
    })
  }

  /** What has been recorded since the last call. */
  take(): RecordedCall[] {
    const taken = this.calls
    this.calls = []
    return taken
  }
}

/** What `GET /reservations/<code>` says; what it does not say is -1, or empty. */
function reservationShown(body: string): { state: string; itemId: number; userId: string } {
  let shown: unknown
  try {
    shown = JSON.parse(body)
  } catch {
    shown = undefined
  }
  const named: Readonly<Record<string, unknown>> =
    typeof shown === 'object' && shown !== null ? { ...shown } : {}
  const { state, itemId, userId } = named
  return {
    state: typeof state === 'string' ? state : '',
    itemId: typeof itemId === 'number' ? itemId : -1,
    userId: typeof userId === 'string' ? userId : '',
  }
}
