import type { SaleState } from '../sale-state.ts'
import type { CheckContext } from '../sweep.ts'

/** With demand enough, exactly the items of the sale that the last run was aimed at are sold. */
export function checkSoldOut({ book, found, hasLedger }: CheckContext): void {
  const sale = targetSale(book.runs, book.sales)
  if (sale === undefined) return found.add('undersold', 'no sale was met: nothing was sold')
  const itemCount = hasLedger ? sale.row?.itemCount : sale.itemCount
  const soldCount = hasLedger ? sale.purchaseRowCount : knownSold(sale, book.saidSold)
  if (itemCount !== undefined && soldCount >= itemCount) return
  found.add(
    'undersold',
    `sale ${sale.saleId} has ${soldCount} items ${hasLedger ? 'sold' : 'known to be sold'} ` +
      `of ${itemCount ?? 'an unknown number'}`,
  )
}

/** Items that may have been bought or were refused as sold. */
function knownSold(sale: SaleState, saidSold: ReadonlySet<number>): number {
  let count = saidSold.size
  for (const [id, item] of sale.items) if (item.isMaybeSold && !saidSold.has(id)) count++
  return count
}

/** The sale of the run that began last; where the target named none, the newest. */
function targetSale(
  runs: readonly { readonly saleId: number; readonly startedAtMs: number }[],
  sales: ReadonlyMap<number, SaleState>,
): SaleState | undefined {
  let last = runs[0]
  for (const run of runs) if (last === undefined || run.startedAtMs >= last.startedAtMs) last = run
  if (last !== undefined && last.saleId !== 0) return sales.get(last.saleId)
  return sales.get(Math.max(...sales.keys()))
}
