import type { RecordedCall } from '../../history/call-history.ts'
import { type Interval, intervalOf, type ItemState, type SaleState } from '../sale-state.ts'
import type { CheckContext } from '../sweep.ts'
import { refuseReason } from './refusal-reasons.ts'

/**
 * A refused checkout needs a reason that may have been true at some moment of the call. Judged in sales
 * that began empty and whose calls are all known.
 */
export function judgeCheckoutRefusal(context: CheckContext, call: RecordedCall): void {
  const { book, tolerances, found } = context
  const interval = intervalOf(call, tolerances.skewMs)
  const sales = [...book.currentWithin(interval)]
  const sale = sales[0]
  if (sale === undefined) return
  if (!sales.every((one) => one.isComplete)) return
  switch (call.reason) {
    case 'item_reserved':
      return judgeReserved(context, call, sales, interval)
    case 'item_sold':
      if (sales.some((one) => maybeSoldBy(one, call.itemId, interval))) return
      return found.add(
        'free_item_refused',
        `item ${call.itemId} of sale ${sale.saleId} was refused as sold, and nobody can have bought it`,
        { calls: [call] },
      )
    case 'sold_out':
      if (sales.some((one) => one.maybeSoldCount >= (one.itemCount ?? 0))) return
      return found.add(
        'sold_out_too_early',
        `user ${call.userId} was told that sale ${sale.saleId} is sold out when at most ` +
          `${sale.maybeSoldCount} of ${sale.itemCount ?? 0} items can have been sold`,
        { calls: [call] },
      )
    case 'user_limit_reached':
      return judgeLimit(context, call, sales, interval)
    default:
      return refuseReason(found, call)
  }
}

function maybeSoldBy(sale: SaleState, itemId: number, { untilMs }: Interval): boolean {
  return (sale.items.get(itemId)?.maybeSoldFromMs ?? Infinity) <= untilMs
}

/** `item_reserved` needs a possible reservation; one that was certainly bought before is none. */
function judgeReserved(
  { book, tolerances, found }: CheckContext,
  call: RecordedCall,
  sales: readonly SaleState[],
  interval: Interval,
): void {
  const { itemId } = call
  if ((book.doubtFromMs.get(itemId) ?? Infinity) <= interval.untilMs) return
  const items = sales.map((sale) => sale.items.get(itemId))
  const boughtMs = (item: ItemState): number =>
    (item.bought?.purchase?.answeredAtMs ?? Infinity) + tolerances.skewMs
  const isJustified = (item: ItemState | undefined): boolean =>
    item !== undefined &&
    boughtMs(item) >= interval.fromMs &&
    (item.possibleCount > 0 || item.lastPossibleEndMs >= interval.fromMs)
  if (items.some(isJustified)) return
  const item = items.find((one) => one !== undefined)
  const where = `item ${itemId} of sale ${sales[0]?.saleId ?? 0}`
  if (item?.bought !== undefined && boughtMs(item) < interval.fromMs) {
    return found.add(
      'sold_item_refused_as_reserved',
      `${where} was refused as reserved after it was sold to user ${item.bought.userId}`,
      { calls: [...item.bought.calls, call], rows: item.bought.rows },
    )
  }
  if (item?.lastEnded === undefined) {
    return found.add(
      'free_item_refused',
      `${where} was refused as reserved, and nobody can have reserved it`,
      { calls: [call] },
    )
  }
  const sinceMs = Math.round(interval.fromMs - item.lastPossibleEndMs)
  found.add(
    'ended_item_refused',
    `${where} was refused as reserved ${sinceMs} ms after its last reservation had ended, ` +
      `${tolerances.expiryToleranceMs} ms of grace not counted`,
    { calls: [...item.lastEnded.calls, call], rows: item.lastEnded.rows },
  )
}

/**
 * `user_limit_reached` needs as many possible reservations and purchases as the limit. Other checkouts of
 * the user under way count as well: the service counts before it looks at the item.
 */
function judgeLimit(
  { book, found }: CheckContext,
  call: RecordedCall,
  sales: readonly SaleState[],
  { fromMs, untilMs }: Interval,
): void {
  const caller = book.callers.get(call.userId)
  const passing =
    (caller?.doubtfulItems.size ?? 0) + (caller?.refusedWithin(fromMs, untilMs) ?? 0)
  let ownedMax = 0
  for (const sale of sales) {
    if (sale.userLimit === undefined) return
    const user = sale.users.get(call.userId)
    const ended = user?.possibleEnds.filter((endMs) => endMs >= fromMs).length ?? 0
    const owned = passing + (user?.possibleCount ?? 0) + ended
    if (owned >= sale.userLimit) return
    ownedMax = Math.max(ownedMax, owned)
  }
  found.add(
    'user_below_limit_refused',
    `user ${call.userId} was refused at the limit of ${sales[0]?.userLimit ?? 0} ` +
      `with at most ${ownedMax} reservations and purchases of sale ${sales[0]?.saleId ?? 0}`,
    { calls: [call] },
  )
}
