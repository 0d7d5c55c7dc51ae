import type { History } from '../history/call-history.ts'
import type { CheckoutRow, Ledger } from '../ledger/ledger.ts'
import { HistoryChecker } from './history-checker.ts'
import type { Verification, VerifyOptions } from './verification.ts'

export type { CheckedCounts, Verification, VerifyOptions } from './verification.ts'

/**
 * Checks a whole history, with a ledger or by its answers alone. Pure: it reads nothing but its
 * arguments, takes time in proportion to them (times log n), and gives the same verdict on any thread.
 *
 * @param history calls of one or several runs; with a ledger, all their sales must be in it.
 * @param ledger the rows of those sales; absent: only what the answers can show.
 */
export function checkHistory(
  history: History,
  ledger?: Ledger,
  options: VerifyOptions = {},
): Verification {
  const checker = new HistoryChecker({ ...options, hasLedger: ledger !== undefined })
  for (const run of history.runs) checker.run(run)
  for (const sale of ledger?.sales ?? []) checker.saleRow(sale)
  // A code is given before it is used, whatever the order in which the answers were written down.
  const calls = history.calls.toSorted((a, b) => a.sentAtMs - b.sentAtMs)
  for (const call of calls) checker.call(call)
  if (ledger !== undefined) {
    for (const row of ledger.checkouts) checker.checkoutRow(onOurClock(row, ledger.clockOffsetMs))
    for (const row of ledger.purchases) checker.purchaseRow(row)
  }
  return checker.finish()
}

/** A row with its times on the clock of the calls. */
export function onOurClock(row: CheckoutRow, clockOffsetMs: number): CheckoutRow {
  if (clockOffsetMs === 0) return row
  return {
    ...row,
    createdAtMs: row.createdAtMs - clockOffsetMs,
    expiresAtMs: row.expiresAtMs - clockOffsetMs,
    cancelledAtMs:
      row.cancelledAtMs === undefined ? undefined : row.cancelledAtMs - clockOffsetMs,
  }
}

/** {@link checkHistory} with a ledger. */
export function verifyLedger(
  history: History,
  ledger: Ledger,
  options: VerifyOptions = {},
): Verification {
  return checkHistory(history, ledger, options)
}

/** {@link checkHistory} without a ledger. */
export function verifyAnswers(history: History, options: VerifyOptions = {}): Verification {
  return checkHistory(history, undefined, options)
}

/**
 * Every sale that a history names, in its runs or in its codes: what a ledger must be read for.
 */
export function salesOf(history: History): number[] {
  const ids = new Set<number>()
  for (const run of history.runs) if (run.saleId !== 0) ids.add(run.saleId)
  for (const call of history.calls) if (call.saleId !== 0) ids.add(call.saleId)
  return [...ids].toSorted((a, b) => a - b)
}
