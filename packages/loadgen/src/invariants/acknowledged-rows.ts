import { isCheckoutCode } from '../checkout-code.ts'
import type { RecordedCall } from '../history/call-history.ts'
import type { CheckoutRow, PurchaseRow } from '../ledger/ledger.ts'
import { describeCall } from './answers.ts'
import type { Evidence } from './verify-ledger.ts'

/** Every acknowledged call has exactly its row, with its user, item and sale. */
export function checkAcknowledgedRows(evidence: Evidence): void {
  const { history, ledger, found } = evidence
  const checkouts = groupByCode(ledger.checkouts)
  const purchases = groupByCode(ledger.purchases)
  const sales = new Set(ledger.sales.map((sale) => sale.saleId))
  const missingSales = new Set<number>()
  for (const call of history.calls) {
    if (call.outcome !== 'acknowledged' || !isCheckoutCode(call.code)) continue
    if (!sales.has(call.saleId) && !missingSales.has(call.saleId)) {
      missingSales.add(call.saleId)
      found.add(
        'sale_missing',
        `sale ${call.saleId} has no row; first seen in: ${describeCall(call)}`,
      )
    }
    const code = call.code.toLowerCase()
    if (call.step === 'checkout') checkCheckout(evidence, call, checkouts.get(code) ?? [])
    else checkPurchase(evidence, call, purchases.get(code) ?? [])
  }
}

function checkCheckout(
  evidence: Evidence,
  call: RecordedCall,
  rows: readonly CheckoutRow[],
): void {
  const { found } = evidence
  const row = rows[0]
  if (row === undefined)
    return found.add('checkout_row_missing', `no row for ${describeCall(call)}`)
  if (rows.length > 1) {
    found.add('checkout_row_duplicated', `${rows.length} rows for ${describeCall(call)}`)
  }
  if (row.saleId !== call.saleId) {
    found.add(
      'code_crosses_sale',
      `${describeRow('checkout', row)}; acknowledged: ${describeCall(call)}`,
    )
  }
  if (row.userId !== call.userId || row.itemId !== call.itemId) {
    found.add(
      'checkout_row_mismatch',
      `${describeRow('checkout', row)}; acknowledged: ${describeCall(call)}`,
    )
  }
}

function checkPurchase(
  evidence: Evidence,
  call: RecordedCall,
  rows: readonly PurchaseRow[],
): void {
  const { found } = evidence
  const row = rows[0]
  if (row === undefined)
    return found.add('purchase_row_missing', `no row for ${describeCall(call)}`)
  if (rows.length > 1) {
    found.add('purchase_row_duplicated', `${rows.length} rows for ${describeCall(call)}`)
  }
  if (row.saleId !== call.saleId) {
    found.add(
      'code_crosses_sale',
      `${describeRow('purchase', row)}; acknowledged: ${describeCall(call)}`,
    )
  }
  if (row.userId !== call.userId || row.itemId !== call.itemId) {
    found.add(
      'purchase_row_mismatch',
      `${describeRow('purchase', row)}; acknowledged: ${describeCall(call)}`,
    )
  }
}

/** Rows by code in lower case, since a code is compared as bits and not as text. */
export function groupByCode<Row extends { readonly code: string }>(
  rows: readonly Row[],
): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const code = row.code.toLowerCase()
    const group = groups.get(code)
    if (group === undefined) groups.set(code, [row])
    else group.push(row)
  }
  return groups
}

/** A row in words. */
export function describeRow(table: string, row: PurchaseRow): string {
  const { itemId, userId, code, saleId } = row
  return `${table} row of item ${itemId} for user ${userId}, code ${code}, sale ${saleId}`
}
