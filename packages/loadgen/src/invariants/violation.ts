import type { RecordedCall } from '../history/call-history.ts'
import type { CheckoutRow, PurchaseRow } from '../ledger/ledger.ts'

/**
 * What can be wrong, one word each. Those above the line need the answers only, those below a ledger.
 *
 * | kind | means | guarantee |
 * | --- | --- | --- |
 * | `code_malformed` | a checkout answered 200 without a checkout code | contract |
 * | `code_given_twice` | two acknowledged checkouts got one code | G4 |
 * | `code_bought_twice` | two purchases with one code were acknowledged | G5 |
 * | `item_acknowledged_twice` | two acknowledged purchases of one item in one sale | G2 |
 * | `item_out_of_range` | an item that the sale does not have | G2 |
 * | `oversold` | more purchases than items | G2 |
 * | `undersold` | fewer purchases than items although a sell-out was expected | G15 |
 * | `user_above_limit` | a user with more purchases than the limit | G3 |
 * | `reservations_above_limit` | reservations and purchases of a user above the limit at one moment | G3 |
 * | `reservations_overlap` | two reservations of one item certainly lived at one moment | G4 |
 * | `reservation_not_honoured` | a living reservation was refused as expired or unknown | G4, G7 |
 * | `reservation_mismatch` | a reservation was shown as another user's or item's | G4 |
 * | `bought_after_expiry` | acknowledged although first tried after the reservation ended | G6 |
 * | `bought_after_cancel` | bought and cancelled | G5 |
 * | `cancelled_after_expiry` | a cancel acknowledged although first tried after the reservation ended | G4 |
 * | `cancelled_twice` | two cancels of one reservation were acknowledged | G5 |
 * | `purchase_of_unknown_code` | bought with a code that was never given | contract |
 * | `cancel_of_unknown_code` | cancelled with a code that was never given | contract |
 * | `read_of_unknown_code` | a reservation was shown for a code that was never given | contract |
 * | `code_of_other_sale` | a code names another sale than its call, or one that has not begun | G11 |
 * | `purchase_contradicted` | bought, and an answer says that the code was never bought | G1, G9 |
 * | `read_contradicted` | a read showed a state that cannot have been | G4 |
 * | `already_purchased_unjustified` | called purchased, and no other call can have bought it | G5, G9 |
 * | `expired_without_reservation` | called expired, and never given | contract |
 * | `free_item_refused` | an item that nobody can have had was refused | G15 |
 * | `ended_item_refused` | an item was refused after its last reservation had ended | G15 |
 * | `sold_item_refused_as_reserved` | a sold item was called reserved | contract |
 * | `sold_out_too_early` | called sold out with items left | G15 |
 * | `user_below_limit_refused` | refused at the limit with too few reservations and purchases | G3 |
 * | `refusal_without_reason` | refused for what is no reason for such a call | contract |
 * | `sale_reopened` | reserved in a sale after a newer one had begun | G11, G16 |
 * | | | |
 * | `checkout_row_missing` | an acknowledged reservation is not in the ledger | G7 |
 * | `checkout_row_mismatch` | its row has another user or item | G4 |
 * | `checkout_row_duplicated` | one code, several reservations | G4 |
 * | `checkout_unexplained` | a reservation of a user of the run that no call made | G9 |
 * | `purchase_row_missing` | an acknowledged purchase, or one that was told of, is not in the ledger | G1 |
 * | `purchase_row_mismatch` | its row has another user or item than its call or its reservation | G1 |
 * | `purchase_row_duplicated` | one code, several purchases | G5 |
 * | `purchase_unexplained` | a purchase of a user of the run that no call made | G9 |
 * | `purchase_without_checkout` | a purchase whose code was never given | contract |
 * | `cancel_row_missing` | an acknowledged cancel is not in the ledger | G9 |
 * | `cancel_unexplained` | a reservation of a user of the run is cancelled that no call cancelled | G9 |
 * | `code_crosses_sale` | a row is in another sale than its code | G11 |
 * | `item_sold_twice` | two purchase rows of one item in one sale | G2 |
 * | `sale_missing` | the sale of an acknowledged answer is not in the ledger | G1 |
 */
export const VIOLATION_KINDS = [
  'code_malformed',
  'code_given_twice',
  'code_bought_twice',
  'item_acknowledged_twice',
  'item_out_of_range',
  'oversold',
  'undersold',
  'user_above_limit',
  'reservations_above_limit',
  'reservations_overlap',
  'reservation_not_honoured',
  'reservation_mismatch',
  'bought_after_expiry',
  'bought_after_cancel',
  'cancelled_after_expiry',
  'cancelled_twice',
  'purchase_of_unknown_code',
  'cancel_of_unknown_code',
  'read_of_unknown_code',
  'code_of_other_sale',
  'purchase_contradicted',
  'read_contradicted',
  'already_purchased_unjustified',
  'expired_without_reservation',
  'free_item_refused',
  'ended_item_refused',
  'sold_item_refused_as_reserved',
  'sold_out_too_early',
  'user_below_limit_refused',
  'refusal_without_reason',
  'sale_reopened',
  'checkout_row_missing',
  'checkout_row_mismatch',
  'checkout_row_duplicated',
  'checkout_unexplained',
  'purchase_row_missing',
  'purchase_row_mismatch',
  'purchase_row_duplicated',
  'purchase_unexplained',
  'purchase_without_checkout',
  'cancel_row_missing',
  'cancel_unexplained',
  'code_crosses_sale',
  'item_sold_twice',
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
