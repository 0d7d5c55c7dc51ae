import type { RecordedCall } from '../../history/call-history.ts'
import type { CheckContext } from '../sweep.ts'

/**
 * Whether a refused checkout is justified by what is known when it comes, so that it need not be kept
 * until all is known. Almost every refusal of a flood is; what is given up is a refusal that an answer on
 * its way, such as a cancel, would still have shown to be wrong.
 */
export function isJustifiedNow({ book, tolerances }: CheckContext, call: RecordedCall): boolean {
  const fromMs = call.sentAtMs - tolerances.skewMs
  const untilMs = call.answeredAtMs + tolerances.skewMs
  const item = book.onlyCurrentWithin(fromMs, untilMs)?.items.get(call.itemId)
  if (item === undefined) return false
  if (call.reason === 'item_sold') return item.maybeSoldFromMs <= untilMs
  if (call.reason !== 'item_reserved' || item.bought !== undefined) return false
  const { latest } = item
  return (
    latest !== undefined &&
    !latest.isBought &&
    latest.possibleFromMs <= untilMs &&
    latest.possibleUntilMs >= fromMs
  )
}
