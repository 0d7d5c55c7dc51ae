import { isCheckoutCode } from '../checkout-code.ts'
import type { RecordedCall } from '../history/call-history.ts'
import type { Book } from './book.ts'
import type { CheckedCounts } from './verification.ts'

/** Counts what is compared. */
export class CallCounts {
  calls = 0
  lateCalls = 0
  checkoutRows = 0
  purchaseRows = 0
  private checkouts = 0
  private purchases = 0
  private cancels = 0
  private reads = 0
  private refused = 0
  private unknown = 0

  add(call: RecordedCall): void {
    this.calls++
    if (call.outcome === 'unknown') this.unknown++
    else if (call.outcome === 'refused') this.refused++
    else if (call.step === 'purchase') this.purchases++
    else if (call.step === 'cancel') this.cancels++
    else if (call.step === 'read') this.reads++
    else if (isCheckoutCode(call.code)) this.checkouts++
  }

  result(book: Book, hasLedger: boolean): CheckedCounts {
    let users = 0
    let purchasesOfOneUserMax = 0
    let explainedSales = 0
    let judgedSales = 0
    for (const sale of book.sales.values()) {
      if (hasLedger && sale.isExplained && sale.row !== undefined) explainedSales++
      if (sale.isComplete) judgedSales++
      for (const user of sale.users.values()) {
        const count = hasLedger ? user.purchaseRowCount : user.boughtCount
        if (count > 0) users++
        purchasesOfOneUserMax = Math.max(purchasesOfOneUserMax, count)
      }
    }
    return {
      acknowledgedCheckouts: this.checkouts,
      acknowledgedPurchases: this.purchases,
      acknowledgedCancels: this.cancels,
      reads: this.reads,
      refusedCalls: this.refused,
      unknownCalls: this.unknown,
      checkoutRows: this.checkoutRows,
      purchaseRows: this.purchaseRows,
      users,
      purchasesOfOneUserMax,
      explainedSales,
      judgedSales,
      lateCalls: this.lateCalls,
    }
  }
}
