import type { RecordedCall } from '../../history/call-history.ts'
import type { SaleState, UserState } from '../sale-state.ts'
import type { CheckContext } from '../sweep.ts'
import type { Track } from '../track.ts'
import { isoTime } from '../violation-text.ts'

/** An acknowledged purchase: of a given code, in time, once, of an unsold item, within the limits. */
export function judgePurchase(context: CheckContext, call: RecordedCall): void {
  const { book, found, forgets } = context
  const track = book.findTrack(call.code)
  if (track === undefined) return
  if (track.isPurchaseJudged) {
    return found.add(
      'code_bought_twice',
      `two purchases of item ${call.itemId} with one code were acknowledged, user ${call.userId}`,
      { calls: [...track.calls, call], rows: track.rows },
    )
  }
  track.isPurchaseJudged = true
  const { sale } = track
  if (track.checkout === undefined && track.row === undefined && sale.isComplete) {
    const orForgotten = forgets ? ', or its reservation ended long ago' : ''
    found.add(
      'purchase_of_unknown_code',
      `user ${call.userId} bought item ${call.itemId} with a code that was never given${orForgotten}`,
      { calls: [call] },
    )
  }
  checkExpiry(context, track, call)
  checkItem(context, track)
  const user = sale.user(track.userId)
  user.boughtCount++
  checkUserLimit(context, sale, user, track)
  sale.boughtCount++
  if (sale.boughtCount === (sale.itemCount ?? Infinity) + 1) {
    found.add(
      'oversold',
      `sale ${sale.saleId} has more acknowledged purchases than its ${sale.itemCount ?? 0} items; ` +
        `the first above is of item ${track.itemId}`,
      { calls: track.calls, rows: track.rows },
    )
  }
}

/** Every try that can have bought was sent when the reservation had certainly ended. */
function checkExpiry(context: CheckContext, track: Track, call: RecordedCall): void {
  const firstTry = track.purchaseTry ?? call
  if (firstTry.sentAtMs - context.tolerances.skewMs <= track.latestExpiryMs) return
  context.found.add(
    'bought_after_expiry',
    `user ${track.userId} bought item ${track.itemId} at ${isoTime(firstTry.sentAtMs)} at the ` +
      `earliest; the reservation ended at ${isoTime(track.latestExpiryMs)} at the latest`,
    { calls: track.calls, rows: track.rows },
  )
}

function checkItem({ found }: CheckContext, track: Track): void {
  const item = track.sale.item(track.itemId)
  if (item.bought === undefined) {
    item.bought = track
    return
  }
  const other = item.bought
  found.add(
    'item_acknowledged_twice',
    `item ${track.itemId} of sale ${track.sale.saleId} was sold to user ${other.userId} ` +
      `and to user ${track.userId}`,
    { calls: [...other.calls, ...track.calls], rows: [...other.rows, ...track.rows] },
  )
}

function checkUserLimit(
  { found }: CheckContext,
  sale: SaleState,
  user: UserState,
  track: Track,
): void {
  const limit = sale.userLimit
  if (limit === undefined) return
  if (user.bought.length <= limit) user.bought.push(track)
  if (user.boughtCount <= limit || user.isReportedAboveLimit) return
  user.isReportedAboveLimit = true
  found.add(
    'user_above_limit',
    `user ${track.userId} has more acknowledged purchases in sale ${sale.saleId} than the limit ` +
      `of ${limit}`,
    { calls: user.bought.flatMap((one) => one.purchase ?? []) },
  )
}
