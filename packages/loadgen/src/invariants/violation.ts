import type { RecordedCall } from '../history/call-history.ts'
import type { CheckoutRow, PurchaseRow } from '../ledger/ledger.ts'

/**
 * What can be wrong, one word each.
 *
 * | kind | means | guarantee |
 * | --- | --- | --- |
 * | `code_malformed` | a checkout answered 200 without a checkout code | contract |
 * | `code_given_twice` | two acknowledged checkouts got one code | G4 |
 * | `code_bought_twice` | two purchases with one code were acknowledged | G5 |
 * | `item_acknowledged_twice` | two acknowledged purchases of one item in one sale | G2 |
 * | `checkout_row_missing` | an acknowledged reservation is not in the database | G7 |
 * | `checkout_row_mismatch` | its row has another user, item or sale | G4 |
 * | `checkout_row_duplicated` | one code, several reservations | G4 |
 * | `purchase_row_missing` | an acknowledged purchase is not in the database | G1 |
 * | `purchase_row_mismatch` | its row has another user or item | G1 |
 * | `purchase_row_duplicated` | one code, several purchases | G5 |
 * | `code_crosses_sale` | a row is in another sale than its code | G11 |
 * | `checkout_unexplained` | a reservation of a user of the run that no call made | G9 |
 * | `purchase_unexplained` | a purchase of a user of the run that no call made | G9 |
 * | `purchase_without_checkout` | a purchase whose code was never given | contract |
 * | `bought_after_cancel` | a purchase of a cancelled reservation | G5 |
 * | `bought_after_expiry` | acknowledged although first tried after the reservation ended | G6 |
 * | `item_sold_twice` | two purchases of one item in one sale | G2 |
 * | `item_out_of_range` | an item that the sale does not have | G2 |
 * | `oversold` | more purchases than items | G2 |
 * | `undersold` | fewer purchases than items although a sell-out was expected | G15 |
 * | `user_above_limit` | a user with more purchases than the limit | G3 |
 * | `reservations_above_limit` | reservations and purchases of a user above the limit at one instant | G3 |
 * | `reservations_overlap` | two acknowledged reservations of one item at one instant | G4 |
 * | `reservation_not_honoured` | a living reservation was refused as expired or unknown | G4, G7 |
 * | `sale_missing` | the sale of an acknowledged answer is not in the database | G1 |
 */
export const VIOLATION_KINDS = [
  'code_malformed',
  'code_given_twice',
  'code_bought_twice',
  'item_acknowledged_twice',
  'checkout_row_missing',
  'checkout_row_mismatch',
  'checkout_row_duplicated',
  'purchase_row_missing',
  'purchase_row_mismatch',
  'purchase_row_duplicated',
  'code_crosses_sale',
  'checkout_unexplained',
  'purchase_unexplained',
  'purchase_without_checkout',
  'bought_after_cancel',
  'bought_after_expiry',
  'item_sold_twice',
  'item_out_of_range',
  'oversold',
  'undersold',
  'user_above_limit',
  'reservations_above_limit',
  'reservations_overlap',
  'reservation_not_honoured',
  'sale_missing',
] as const

/** One of {@link VIOLATION_KINDS}. */
export type ViolationKind = (typeof VIOLATION_KINDS)[number]

/** A row of the ledger that is evidence, with the table that it is in. */
export type EvidenceRow =
  | ({ readonly table: 'checkouts' } & CheckoutRow)
  | ({ readonly table: 'purchases' } & PurchaseRow)

/** One broken promise: a sentence, and the calls and rows that show it. Structured-clonable. */
export interface Violation {
  readonly kind: ViolationKind
  /** One line of plain text that names item, user, sale or code. */
  readonly sentence: string
  readonly calls: readonly RecordedCall[]
  readonly rows: readonly EvidenceRow[]
}

/** What shows a violation. */
export interface ViolationEvidence {
  readonly calls?: readonly RecordedCall[]
  readonly rows?: readonly EvidenceRow[]
}

/** Evidence kept for each kind: enough to look into, bounded however broken the target is. */
const EVIDENCE_MAX = 10

/** Gathers violations: counts all, keeps the evidence of the first few of each kind. */
export class ViolationList {
  readonly violations: Violation[] = []
  readonly countByKind: Map<ViolationKind, number> = new Map()

  add(kind: ViolationKind, sentence: string, evidence: ViolationEvidence = {}): void {
    const count = (this.countByKind.get(kind) ?? 0) + 1
    this.countByKind.set(kind, count)
    if (count > EVIDENCE_MAX) return
    const { calls = [], rows = [] } = evidence
    this.violations.push({ kind, sentence, calls, rows })
  }

  get count(): number {
    let sum = 0
    for (const count of this.countByKind.values()) sum += count
    return sum
  }
}
