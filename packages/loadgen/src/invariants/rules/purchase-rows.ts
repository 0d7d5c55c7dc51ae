import type { PurchaseRow } from '../../ledger/ledger.ts'
import type { CheckContext } from '../sweep.ts'
import type { Track } from '../track.ts'
import type { EvidenceRow } from '../violation.ts'

/** A purchase row among the others of its sale: of an item that exists, once, within the limits. */
export function checkPurchaseAmongRows(
  { book, found }: CheckContext,
  track: Track,
  row: PurchaseRow,
): void {
  const sale = book.sale(row.saleId)
  const evidence: EvidenceRow = { table: 'purchases', ...row }
  const item = sale.item(row.itemId)
  if (item.purchaseRow !== undefined) {
    found.add(
      'item_sold_twice',
      `item ${row.itemId} of sale ${row.saleId} is sold to user ${item.purchaseRow.userId} ` +
        `and to user ${row.userId}`,
      { calls: track.calls, rows: [{ table: 'purchases', ...item.purchaseRow }, evidence] },
    )
  }
  item.purchaseRow ??= row
  sale.purchaseRowCount++
  const user = sale.user(row.userId)
  user.purchaseRowCount++
  if (sale.row === undefined) return
  const { itemCount, userLimit } = sale.row
  if (row.itemId < 0 || row.itemId >= itemCount) {
    found.add(
      'item_out_of_range',
      `item ${row.itemId} is sold to user ${row.userId} in sale ${row.saleId} of ${itemCount} items`,
      { calls: track.calls, rows: [evidence] },
    )
  }
  if (sale.purchaseRowCount === itemCount + 1) {
    found.add(
      'oversold',
      `sale ${row.saleId} has more purchase rows than its ${itemCount} items; the first above ` +
        `is of item ${row.itemId}`,
      { rows: [evidence] },
    )
  }
  if (user.purchaseRowCount <= userLimit || user.isReportedAboveLimit) return
  user.isReportedAboveLimit = true
  found.add(
    'user_above_limit',
    `user ${row.userId} has more purchase rows in sale ${row.saleId} than the limit of ${userLimit}; ` +
      `the first above is of item ${row.itemId}`,
    { rows: [evidence] },
  )
}
