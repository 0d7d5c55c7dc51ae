import { isCheckoutCode } from '../checkout-code.ts'
import type { History } from '../history/call-history.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { checkAcknowledgedRows } from './acknowledged-rows.ts'
import { checkAnswers } from './answers.ts'
import { checkReservations } from './reservations.ts'
import { checkSales } from './sales.ts'
import { checkUnexplainedRows } from './unexplained-rows.ts'
import { type Violation, type ViolationKind, ViolationList } from './violation.ts'

/** Tolerance between the clocks of generator, service and database, in milliseconds. */
const CLOCK_TOLERANCE_MS = 1_000

/** What is demanded beyond the promises that always hold. */
export interface VerifyOptions {
  /**
   * The sale that the last run was aimed at must have exactly as many purchases as items; default
   * false.
   */
  readonly expectSoldOut?: boolean
  /**
   * Whether every row of a user of these runs must be explained by a call. `auto`, the default:
   * where the first run of a sale began when nothing was sold or reserved. `always` and `never`
   * say so for all sales.
   */
  readonly explainRows?: 'auto' | 'always' | 'never'
  /** Differences of time up to this many milliseconds are no violation; default 1000. */
  readonly clockToleranceMs?: number
}

/** The verdict. `violations` has the first evidence of each kind, `countByKind` all. */
export interface Verification {
  readonly ok: boolean
  readonly violationCount: number
  readonly countByKind: Readonly<Partial<Record<ViolationKind, number>>>
  readonly violations: readonly Violation[]
  readonly checked: CheckedCounts
}

/** How much was compared: a verdict about nothing is worth nothing. */
export interface CheckedCounts {
  readonly acknowledgedCheckouts: number
  readonly acknowledgedPurchases: number
  /** Calls without a definite answer, whose rows may or may not exist. */
  readonly unknownCalls: number
  readonly checkoutRows: number
  readonly purchaseRows: number
  /** Users with a purchase row. */
  readonly users: number
  /** Most purchases of one user in one sale. */
  readonly purchasesOfOneUserMax: number
  /** Sales whose every row had to be explained. */
  readonly explainedSales: number
}

/** What every check is given. */
export interface Evidence {
  readonly history: History
  readonly ledger: Ledger
  readonly options: Required<VerifyOptions>
  readonly found: ViolationList
}

/**
 * Compares every acknowledged answer with the rows of the database, and every row with the calls.
 * Pure: it reads nothing but its arguments, takes time in proportion to them, and gives the same
 * verdict on any thread.
 *
 * @param acknowledged calls of one or several runs; all their sales must be in the ledger.
 * @param ledger the rows of those sales.
 */
export function verifyLedger(
  acknowledged: History,
  ledger: Ledger,
  options: VerifyOptions = {},
): Verification {
  const found = new ViolationList()
  const evidence: Evidence = {
    history: acknowledged,
    ledger,
    found,
    options: {
      expectSoldOut: options.expectSoldOut ?? false,
      explainRows: options.explainRows ?? 'auto',
      clockToleranceMs: options.clockToleranceMs ?? CLOCK_TOLERANCE_MS,
    },
  }
  checkAnswers(acknowledged, found)
  checkAcknowledgedRows(evidence)
  const explainedSales = checkUnexplainedRows(evidence)
  checkReservations(evidence)
  const { users, purchasesOfOneUserMax } = checkSales(evidence)
  return verdict(found, {
    ...countCalls(acknowledged),
    checkoutRows: ledger.checkouts.length,
    purchaseRows: ledger.purchases.length,
    users,
    purchasesOfOneUserMax,
    explainedSales,
  })
}

/**
 * Checks what the answers alone can show, for want of a ledger: no code or item given twice,
 * nobody above the limit, nothing oversold.
 */
export function verifyAnswers(acknowledged: History): Verification {
  const found = new ViolationList()
  const { users, purchasesOfOneUserMax } = checkAnswers(acknowledged, found)
  return verdict(found, {
    ...countCalls(acknowledged),
    checkoutRows: 0,
    purchaseRows: 0,
    users,
    purchasesOfOneUserMax,
    explainedSales: 0,
  })
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

function countCalls(
  history: History,
): Pick<CheckedCounts, 'acknowledgedCheckouts' | 'acknowledgedPurchases' | 'unknownCalls'> {
  let acknowledgedCheckouts = 0
  let acknowledgedPurchases = 0
  let unknownCalls = 0
  for (const call of history.calls) {
    if (call.outcome === 'unknown') unknownCalls++
    else if (call.outcome === 'acknowledged' && call.step === 'purchase') acknowledgedPurchases++
    else if (call.outcome === 'acknowledged' && isCheckoutCode(call.code)) acknowledgedCheckouts++
  }
  return { acknowledgedCheckouts, acknowledgedPurchases, unknownCalls }
}

function verdict(found: ViolationList, checked: CheckedCounts): Verification {
  return {
    ok: found.count === 0,
    violationCount: found.count,
    countByKind: Object.fromEntries(found.countByKind),
    violations: found.violations,
    checked,
  }
}
