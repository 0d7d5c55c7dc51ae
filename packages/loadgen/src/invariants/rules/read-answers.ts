import type { RecordedCall } from '../../history/call-history.ts'
import { type Interval, intervalOf } from '../sale-state.ts'
import type { CheckContext } from '../sweep.ts'
import type { Track } from '../track.ts'
import { mustLiveDuring } from './code-refusals.ts'
import { checkCodeWasGiven } from './unknown-code.ts'

/** A read says whose the reservation is, and a state that it may have been in. */
export function judgeRead(context: CheckContext, call: RecordedCall): void {
  const { book, found, tolerances } = context
  const track = book.findTrack(call.code)
  if (checkCodeWasGiven(context, track, call) || track?.checkout === undefined) return
  const evidence = { calls: [...track.calls, call], rows: track.rows }
  const { itemId, userId } = track.checkout
  if (call.itemId !== itemId || call.userId !== userId) {
    found.add(
      'reservation_mismatch',
      `the reservation of item ${itemId} by user ${userId} was shown as of item ${call.itemId} ` +
        `by user ${call.userId}`,
      evidence,
    )
  }
  const why = contradiction(track, call, intervalOf(call, tolerances.skewMs), tolerances.skewMs)
  if (why === undefined) return
  found.add(
    'read_contradicted',
    `the reservation of item ${itemId} by user ${userId} was shown as ${call.state ?? 'nothing'}, ${why}`,
    evidence,
  )
}

/** Why the state cannot have been so at any moment of the read; undefined when it can. */
function contradiction(
  track: Track,
  call: RecordedCall,
  interval: Interval,
  skewMs: number,
): string | undefined {
  const { purchase, purchaseTry, cancel, cancelTry } = track
  const isBefore = (other: RecordedCall | undefined): boolean =>
    other !== undefined && other.answeredAtMs + skewMs < interval.fromMs
  const isSentBy = (other: RecordedCall | undefined): boolean =>
    other !== undefined && other.sentAtMs - skewMs <= interval.untilMs
  switch (call.state) {
    case 'reserved':
    case 'purchasing':
    case 'cancelling':
      if (isBefore(purchase)) return 'after it was bought'
      if (isBefore(cancel)) return 'after it was cancelled'
      if (call.state === 'purchasing') {
        return isSentBy(purchaseTry) ? undefined : 'and nobody was buying it'
      }
      if (call.state === 'cancelling') {
        return isSentBy(cancelTry) ? undefined : 'and nobody was cancelling it'
      }
      return track.latestExpiryMs < interval.fromMs ? 'after it had expired' : undefined
    case 'purchased':
      return isSentBy(purchaseTry) || track.purchaseRow !== undefined
        ? undefined
        : 'and nobody can have bought it'
    case 'cancelled':
      return isSentBy(cancelTry) || track.row?.cancelledAtMs !== undefined
        ? undefined
        : 'and nobody can have cancelled it'
    case 'expired':
      return mustLiveDuring(track, interval) ? 'while it must be living' : undefined
    default:
      return 'which is no state'
  }
}
