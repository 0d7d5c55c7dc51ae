import type { RecordedCall } from '../../history/call-history.ts'
import type { SaleState, UserState } from '../sale-state.ts'
import type { CheckContext } from '../sweep.ts'
import type { Track } from '../track.ts'
import { isoTime } from '../violation-text.ts'
import { checkCodeWasGiven } from './unknown-code.ts'

/** An acknowledged purchase: of a given code, in time, once, of an unsold item, within the limits. */
export function judgePurchase(context: CheckContext, call: RecordedCall): void {
  const { book, found } = context
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
  if (!checkCodeWasGiven(context, track, call)) checkWhose(context, track, call)
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

/** A code buys the item that was reserved, for the user who reserved it. */
function checkWhose({ found }: CheckContext, track: Track, call: RecordedCall): void {
  const { checkout } = track
  if (checkout === undefined) return
  if (checkout.itemId === call.itemId && checkout.userId === call.userId) return
  found.add(
    'reservation_mismatch',
    `the reservation of item ${checkout.itemId} by user ${checkout.userId} bought item ${call.itemId} ` +
      `for user ${call.userId}`,
    { calls: [...track.calls, call], rows: track.rows },
  )
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
