import type { JudgedSales } from './book.ts'
import { DEFAULT_TOLERANCES, type Tolerances } from './tolerances.ts'
import type { Violation, ViolationKind } from './violation.ts'

/** What is demanded beyond the promises that always hold, and how exactly times are compared. */
export interface VerifyOptions extends Partial<Tolerances> {
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
  readonly explainRows?: JudgedSales
  /**
   * Whether a refused checkout must be justified by other calls. `auto`, the default: in sales as
   * above. It supposes that nobody else uses the service unseen; with a ledger others are seen.
   */
  readonly judgeRefusals?: JudgedSales
}

/** {@link VerifyOptions} with the defaults filled in. */
export type CheckedVerifyOptions = Required<VerifyOptions>

export function checkVerifyOptions(options: VerifyOptions): CheckedVerifyOptions {
  return {
    ...DEFAULT_TOLERANCES,
    expectSoldOut: false,
    explainRows: 'auto',
    judgeRefusals: options.explainRows ?? 'auto',
    ...options,
  }
}

/** The verdict. `violations` has the first evidence of each kind, `countByKind` all. Structured-clonable. */
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
  readonly acknowledgedCancels: number
  /** Reads of a reservation that were answered 2xx. */
  readonly reads: number
  /** Calls that were refused. */
  readonly refusedCalls: number
  /** Calls without a definite answer, whose rows may or may not exist. */
  readonly unknownCalls: number
  readonly checkoutRows: number
  readonly purchaseRows: number
  /** Users with a purchase: a row, or an acknowledged one without a ledger. */
  readonly users: number
  /** Most purchases of one user in one sale. */
  readonly purchasesOfOneUserMax: number
  /** Sales whose every row had to be explained. */
  readonly explainedSales: number
  /** Sales whose refusals had to be justified. */
  readonly judgedSales: number
  /**
   * Calls that came after the time in which they were sent had been judged: with any, a refusal may have
   * been blamed wrongly and the lag was chosen too short.
   */
  readonly lateCalls: number
}
