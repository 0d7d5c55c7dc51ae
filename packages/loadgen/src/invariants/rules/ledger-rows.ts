import type { PurchaseRow } from '../../ledger/ledger.ts'
import type { CheckContext } from '../sweep.ts'
import type { Track } from '../track.ts'

/** Every acknowledged call has exactly its row, and every row of our users an explaining call. */
export function checkRowsOf(context: CheckContext, track: Track): void {
  checkSaleRow(context, track)
  checkCheckoutRow(context, track)
  checkPurchaseRow(context, track)
  checkCancelRow(context, track)
}

function checkSaleRow({ found }: CheckContext, track: Track): void {
  const { sale } = track
  if (sale.row !== undefined || sale.isReportedMissing) return
  if (track.checkout === undefined && track.purchase === undefined) return
  sale.isReportedMissing = true
  found.add(
    'sale_missing',
    `sale ${sale.saleId} has no row; first seen with item ${track.itemId} of user ${track.userId}`,
    { calls: track.calls },
  )
}

function checkCheckoutRow(context: CheckContext, track: Track): void {
  const { book, found } = context
  const { checkout, row, sale } = track
  const evidence = { calls: track.calls, rows: track.rows }
  if (row === undefined) {
    if (checkout === undefined) return
    return found.add(
      'checkout_row_missing',
      `no row for the acknowledged reservation of item ${checkout.itemId} by user ${checkout.userId}`,
      evidence,
    )
  }
  if (row.saleId !== sale.saleId) {
    found.add(
      'code_crosses_sale',
      `the reservation of item ${row.itemId} by user ${row.userId} is in sale ${row.saleId}, ` +
        `its code in ${sale.saleId}`,
      evidence,
    )
  }
  if (checkout !== undefined) {
    if (row.userId === checkout.userId && row.itemId === checkout.itemId) return
    return found.add(
      'checkout_row_mismatch',
      `the reservation of item ${checkout.itemId} by user ${checkout.userId} is in the ledger as ` +
        `of item ${row.itemId} by user ${row.userId}`,
      evidence,
    )
  }
  const isOurs = book.sales.get(row.saleId)?.isExplained === true && book.isOurUser(row.userId)
  if (!isOurs || book.callers.get(row.userId)?.explainsRow(row.itemId) === true) return
  found.add(
    'checkout_unexplained',
    `no call made the reservation of item ${row.itemId} by user ${row.userId}`,
    evidence,
  )
}

function checkPurchaseRow(context: CheckContext, track: Track): void {
  const { book, found } = context
  const { purchase, purchaseRow, purchaseTry, checkout, row, sale } = track
  const evidence = { calls: track.calls, rows: track.rows }
  if (purchaseRow === undefined) {
    const told = purchase ?? track.boughtRead ?? track.boughtRefusal
    if (told === undefined) return
    return found.add(
      'purchase_row_missing',
      `no row for the purchase of item ${track.itemId} by user ${track.userId}, which a ${told.step} was told of`,
      { ...evidence, calls: [...new Set([...track.calls, told])] },
    )
  }
  const named = `purchase of item ${purchaseRow.itemId} by user ${purchaseRow.userId}`
  if (purchaseRow.saleId !== sale.saleId) {
    found.add(
      'code_crosses_sale',
      `the ${named} is in sale ${purchaseRow.saleId}, its code in ${sale.saleId}`,
      evidence,
    )
  }
  if ([purchase, checkout, row].some((other) => differs(purchaseRow, other))) {
    found.add('purchase_row_mismatch', `the ${named} is another's by its code`, evidence)
  }
  if (row === undefined) {
    found.add('purchase_without_checkout', `the ${named} has a code without a reservation`, evidence)
  }
  const isOurs =
    book.sales.get(purchaseRow.saleId)?.isExplained === true && book.isOurUser(purchaseRow.userId)
  if (isOurs && purchaseTry === undefined) {
    found.add('purchase_unexplained', `no call made the ${named}`, evidence)
  }
}

function differs(
  row: PurchaseRow,
  other: { readonly itemId: number; readonly userId: string } | undefined,
): boolean {
  return other !== undefined && (row.itemId !== other.itemId || row.userId !== other.userId)
}

function checkCancelRow(context: CheckContext, track: Track): void {
  const { book, found } = context
  const { row, cancel, cancelTry } = track
  if (row === undefined) return
  const evidence = { calls: track.calls, rows: track.rows }
  if (cancel !== undefined && row.cancelledAtMs === undefined) {
    return found.add(
      'cancel_row_missing',
      `the acknowledged cancel of item ${row.itemId} by user ${row.userId} is not in the ledger`,
      evidence,
    )
  }
  if (row.cancelledAtMs === undefined || cancelTry !== undefined) return
  if (book.sales.get(row.saleId)?.isExplained !== true || !book.isOurUser(row.userId)) return
  found.add(
    'cancel_unexplained',
    `no call cancelled the reservation of item ${row.itemId} by user ${row.userId}`,
    evidence,
  )
}
