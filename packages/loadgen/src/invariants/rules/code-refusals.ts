import type { RecordedCall } from '../../history/call-history.ts'
import { isoTime } from '../violation-text.ts'
import { type Interval, intervalOf } from '../sale-state.ts'
import type { CheckContext } from '../sweep.ts'
import type { Track } from '../track.ts'
import { refuseReason } from './refusal-reasons.ts'

/** Reasons that say that a code's reservation is over, or never was, and was not bought. */
const OVER_TO_USE: ReadonlySet<string> = new Set(['reservation_expired', 'unknown_code'])
const OVER_TO_READ: ReadonlySet<string> = new Set(['not_found'])

function isOver({ step, reason }: RecordedCall): boolean {
  return (step === 'read' ? OVER_TO_READ : OVER_TO_USE).has(reason)
}

/** Whether a call says that the code's reservation is over and was not bought. */
export function saysOver(call: RecordedCall): boolean {
  if (call.step === 'checkout') return false
  if (call.outcome === 'refused') return isOver(call)
  return call.step === 'read' && (call.state === 'expired' || call.state === 'cancelled')
}

/** A refused purchase, cancel or read of a code needs a reason that may have been true. */
export function judgeCodeRefusal(context: CheckContext, call: RecordedCall): void {
  const track = context.book.findTrack(call.code)
  const interval = intervalOf(call, context.tolerances.skewMs)
  if (call.reason === 'already_purchased') return judgePurchased(context, call, track, interval)
  if (isOver(call)) return judgeOver(context, call, track, interval)
  if (call.reason !== 'reservation_busy') refuseReason(context.found, call)
}

function judgePurchased(
  { book, tolerances, found }: CheckContext,
  call: RecordedCall,
  track: Track | undefined,
  { untilMs }: Interval,
): void {
  if (track === undefined) {
    if (book.sales.get(call.saleId)?.isComplete !== true) return
    return found.add(
      'already_purchased_unjustified',
      `code ${call.code} was called purchased, and it was never given`,
      { calls: [call] },
    )
  }
  const tryMs = (track.purchaseTry?.sentAtMs ?? Infinity) - tolerances.skewMs
  const isPossible =
    tryMs <= untilMs || track.purchaseRow !== undefined || track.boughtRead !== undefined
  if (isPossible || track.checkout === undefined) return
  found.add(
    'already_purchased_unjustified',
    `the reservation of item ${track.itemId} by user ${track.userId} was called purchased, ` +
      'and no other call can have bought it',
    { calls: [...track.calls, call], rows: track.rows },
  )
}

function judgeOver(
  context: CheckContext,
  call: RecordedCall,
  track: Track | undefined,
  interval: Interval,
): void {
  const { book, found, retainMs } = context
  if (track === undefined) {
    const isKnown = book.sales.get(call.saleId)?.isComplete === true && retainMs === Infinity
    if (!isKnown || call.reason !== 'reservation_expired') return
    return found.add(
      'expired_without_reservation',
      `code ${call.code} was called expired, and it was never given`,
      { calls: [call] },
    )
  }
  if (!mustLiveDuring(track, interval)) return
  found.add(
    'reservation_not_honoured',
    `the reservation of item ${track.itemId} by user ${track.userId} was refused as ` +
      `${call.reason}; it lives until ${isoTime(track.mustLiveUntilMs)} at least`,
    { calls: [...track.calls, call], rows: track.rows },
  )
}

/**
 * Whether a given reservation cannot have ended before the end of the interval. Who uses a code has been
 * given it before, whatever the clocks say.
 */
export function mustLiveDuring(track: Track, { untilMs }: Interval): boolean {
  return track.checkout !== undefined && track.mustLiveUntilMs > untilMs
}
