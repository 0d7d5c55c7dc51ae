import type { RunRecord } from '../history/call-history.ts'
import { describeRow, groupByCode } from './acknowledged-rows.ts'
import type { Evidence } from './verify-ledger.ts'

/**
 * Every row of a user of these runs was made by one of their calls, acknowledged or in doubt.
 *
 * @returns how many sales were held to that.
 */
export function checkUnexplainedRows(evidence: Evidence): number {
  const { history, ledger, found } = evidence
  const sales = salesToExplain(evidence)
  const codes = new Set<string>()
  const boughtCodes = new Set<string>()
  const doubtful = new Set<string>()
  for (const call of history.calls) {
    const code = call.code.toLowerCase()
    if (call.step === 'checkout' && call.outcome === 'acknowledged') codes.add(code)
    if (call.step === 'checkout' && call.outcome === 'unknown') {
      doubtful.add(`${call.userId}:${call.itemId}`)
    }
    if (call.step === 'purchase' && call.outcome !== 'refused') boughtCodes.add(code)
  }
  for (const row of ledger.checkouts) {
    if (!sales.has(row.saleId) || !isUserOf(history.runs, row.userId)) continue
    const isExplained =
      codes.has(row.code.toLowerCase()) || doubtful.has(`${row.userId}:${row.itemId}`)
    if (!isExplained) found.add('checkout_unexplained', describeRow('checkout', row))
  }
  for (const row of ledger.purchases) {
    if (!sales.has(row.saleId) || !isUserOf(history.runs, row.userId)) continue
    if (!boughtCodes.has(row.code.toLowerCase())) {
      found.add('purchase_unexplained', describeRow('purchase', row))
    }
  }
  checkOrigins(evidence)
  return sales.size
}

/**
 * A purchase has the reservation that its code names, and that was not cancelled. Holds for all
 * users.
 */
function checkOrigins({ ledger, found }: Evidence): void {
  const checkouts = groupByCode(ledger.checkouts)
  for (const row of ledger.purchases) {
    const checkout = checkouts.get(row.code.toLowerCase())?.[0]
    if (checkout === undefined) {
      found.add('purchase_without_checkout', describeRow('purchase', row))
    } else if (checkout.cancelledAtMs !== undefined) {
      const at = new Date(checkout.cancelledAtMs).toISOString()
      found.add('bought_after_cancel', `${describeRow('purchase', row)}, cancelled at ${at}`)
    }
  }
}

function salesToExplain({ history, ledger, options }: Evidence): Set<number> {
  if (options.explainRows === 'never') return new Set()
  if (options.explainRows === 'always') return new Set(ledger.sales.map((sale) => sale.saleId))
  const first = new Map<number, RunRecord>()
  for (const run of history.runs) {
    const known = first.get(run.saleId)
    if (known === undefined || run.startedAtMs < known.startedAtMs) first.set(run.saleId, run)
  }
  const empty = [...first.values()].filter((run) => run.startedEmpty && run.saleId !== 0)
  return new Set(empty.map((run) => run.saleId))
}

function isUserOf(runs: readonly RunRecord[], userId: string): boolean {
  const id = BigInt(userId)
  return runs.some((run) => {
    const first = BigInt(run.firstUserId)
    return id >= first && id < first + BigInt(run.userCount)
  })
}
