import type { RecordedCall } from '../../history/call-history.ts'
import { isoTime } from '../violation-text.ts'
import type { CheckContext } from '../sweep.ts'
import { checkCodeWasGiven } from './unknown-code.ts'

/** An acknowledged cancel: once, and while the reservation lived. */
export function judgeCancel(context: CheckContext, call: RecordedCall): void {
  const { book, found, tolerances } = context
  const track = book.findTrack(call.code)
  if (checkCodeWasGiven(context, track, call) || track === undefined) return
  if (track.isCancelJudged) {
    return found.add(
      'cancelled_twice',
      `two cancels of the reservation of item ${track.itemId} by user ${track.userId} were acknowledged`,
      { calls: [...track.calls, call], rows: track.rows },
    )
  }
  track.isCancelJudged = true
  const firstTry = track.cancelTry ?? call
  if (firstTry.sentAtMs - tolerances.skewMs <= track.latestExpiryMs) return
  found.add(
    'cancelled_after_expiry',
    `user ${track.userId} cancelled item ${track.itemId} at ${isoTime(firstTry.sentAtMs)} at the ` +
      `earliest; the reservation ended at ${isoTime(track.latestExpiryMs)} at the latest`,
    { calls: track.calls, rows: track.rows },
  )
}
