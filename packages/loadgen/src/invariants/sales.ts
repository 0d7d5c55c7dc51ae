import { describeRow } from './acknowledged-rows.ts'
import type { PurchaseRow } from '../ledger/ledger.ts'
import type { Evidence } from './verify-ledger.ts'

/**
 * Each sale as a whole: every item at most once, no more than its items, nobody above the limit.
 * All users count.
 */
export function checkSales(evidence: Evidence): { users: number; purchasesOfOneUserMax: number } {
  const { ledger, found } = evidence
  const users = new Set<string>()
  let purchasesOfOneUserMax = 0
  for (const sale of ledger.sales) {
    const rows = ledger.purchases.filter((row) => row.saleId === sale.saleId)
    checkItems(evidence, rows, sale.itemCount)
    if (rows.length > sale.itemCount) {
      found.add(
        'oversold',
        `sale ${sale.saleId} has ${rows.length} purchases, items ${sale.itemCount}`,
      )
    }
    const perUser = new Map<string, number>()
    for (const row of rows) perUser.set(row.userId, (perUser.get(row.userId) ?? 0) + 1)
    for (const [userId, count] of perUser) {
      users.add(userId)
      purchasesOfOneUserMax = Math.max(purchasesOfOneUserMax, count)
      if (count > sale.userLimit) {
        found.add(
          'user_above_limit',
          `user ${userId} has ${count} purchases in sale ${sale.saleId}, limit ${sale.userLimit}`,
        )
      }
    }
  }
  checkSoldOut(evidence)
  return { users: users.size, purchasesOfOneUserMax }
}

function checkItems({ found }: Evidence, rows: readonly PurchaseRow[], itemCount: number): void {
  const byItem = new Map<number, PurchaseRow>()
  for (const row of rows) {
    if (row.itemId < 0 || row.itemId >= itemCount) {
      found.add('item_out_of_range', `${describeRow('purchase', row)}, items ${itemCount}`)
    }
    const earlier = byItem.get(row.itemId)
    if (earlier === undefined) byItem.set(row.itemId, row)
    else {
      found.add(
        'item_sold_twice',
        `${describeRow('purchase', earlier)}; and ${describeRow('purchase', row)}`,
      )
    }
  }
}

function checkSoldOut({ history, ledger, options, found }: Evidence): void {
  if (!options.expectSoldOut) return
  const saleId = targetSale(history)
  const sale = ledger.sales.find((row) => row.saleId === saleId)
  const count = ledger.purchases.filter((row) => row.saleId === saleId).length
  if (sale === undefined || count < sale.itemCount) {
    const items = sale === undefined ? 'unknown' : sale.itemCount
    found.add('undersold', `sale ${saleId} has ${count} purchases, items ${items}`)
  }
}

/**
 * The sale that the last run was aimed at; where the target did not name one, the last that a code
 * names.
 */
function targetSale({ runs, calls }: Evidence['history']): number {
  const named = runs.at(-1)?.saleId ?? 0
  return named === 0 ? (calls.findLast((call) => call.saleId !== 0)?.saleId ?? 0) : named
}
