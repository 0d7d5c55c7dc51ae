import type { RecordedCall } from '../history/call-history.ts'
import type { CheckoutRow, PurchaseRow } from '../ledger/ledger.ts'
import type { SaleState } from './sale-state.ts'
import type { Tolerances } from './tolerances.ts'
import type { EvidenceRow } from './violation.ts'

/**
 * Everything known about one checkout code, and what follows for the time in which its reservation
 * kept its item.
 *
 * ```text
 *   checkout sent      answered                     ttl after sent   ttl after answered
 *        |---------------|================================|---------------|
 *        ^ possibleFrom  ^ certainFrom        certainUntil ^  possibleUntil ^
 * ```
 *
 * Between `certainFrom` and `certainUntil` the item was this user's, whatever happened in between: two
 * such spans of one item must not meet. Outside `possibleFrom` to `possibleUntil` it was not: who is
 * refused because of it then was refused wrongly. A purchase, certain or possible, ends never.
 */
export class Track {
  readonly code: string
  /** The sale that the code names. */
  readonly sale: SaleState
  itemId: number
  userId: string

  /** The acknowledged checkout that gave the code. */
  checkout: RecordedCall | undefined
  /** The first acknowledged purchase. */
  purchase: RecordedCall | undefined
  /** The purchase that may have bought, acknowledged or unknown, that was sent first. */
  purchaseTry: RecordedCall | undefined
  cancel: RecordedCall | undefined
  /** The cancel that may have cancelled, acknowledged or unknown, that was sent first. */
  cancelTry: RecordedCall | undefined
  /** An answer that says that the reservation is over and was not bought. */
  overAnswer: RecordedCall | undefined
  /** A read that says that it was bought. */
  boughtRead: RecordedCall | undefined
  /** A refusal that says so. */
  boughtRefusal: RecordedCall | undefined
  row: CheckoutRow | undefined
  purchaseRow: PurchaseRow | undefined

  possibleFromMs: number = -Infinity
  possibleUntilMs: number = Infinity
  certainFromMs: number = Infinity
  certainUntilMs: number = -Infinity
  latestExpiryMs: number = Infinity
  /** Latest moment at which a read is known to have seen it living. */
  seenLivingMs: number = -Infinity

  /** Until when it lived unless it was ended before by its owner, bought or not. */
  mustLiveUntilMs: number = -Infinity

  /** Where the sweep is with it: counted as possibly, and as certainly, holding its item. */
  isPossible = false
  isCertain = false
  hasStarted = false
  isStartQueued = false
  isCertainQueued = false
  isPurchaseJudged = false
  isCancelJudged = false
  queuedPossibleEndMs: number = Infinity
  queuedCertainEndMs: number = Infinity

  constructor(code: string, sale: SaleState, itemId: number, userId: string) {
    this.code = code
    this.sale = sale
    this.itemId = itemId
    this.userId = userId
  }

  /** Whether it certainly bought its item, at some time. */
  get isBought(): boolean {
    return (
      this.purchase !== undefined || this.purchaseRow !== undefined || this.boughtRead !== undefined
    )
  }

  /** A cancel that was not refused. */
  noteCancel(call: RecordedCall): void {
    if (call.outcome === 'acknowledged') this.cancel ??= call
    if (call.sentAtMs < (this.cancelTry?.sentAtMs ?? Infinity)) this.cancelTry = call
  }

  /** Reckons the four bounds anew from what is known. */
  refresh({ skewMs, expiryToleranceMs, clockToleranceMs }: Tolerances): void {
    const { checkout, row, cancel, cancelTry, purchaseTry, overAnswer, isBought } = this
    const lifeMs = this.sale.reservationTtlMs
    let earliestMs = -Infinity
    let latestMs = Infinity
    if (checkout !== undefined) {
      this.possibleFromMs = checkout.sentAtMs - skewMs
      this.certainFromMs = checkout.answeredAtMs + skewMs
      if (lifeMs !== undefined) {
        earliestMs = checkout.sentAtMs - skewMs + lifeMs - expiryToleranceMs
        latestMs = checkout.answeredAtMs + skewMs + lifeMs + expiryToleranceMs
      }
    }
    if (row !== undefined) {
      if (checkout === undefined) {
        this.possibleFromMs = row.createdAtMs - clockToleranceMs
        this.certainFromMs = isBought ? row.createdAtMs + clockToleranceMs : Infinity
      }
      earliestMs = Math.max(earliestMs, row.expiresAtMs - clockToleranceMs)
      latestMs = Math.min(latestMs, row.expiresAtMs + clockToleranceMs)
    }
    if (checkout === undefined && row === undefined && this.purchase !== undefined) {
      this.certainFromMs = this.purchase.answeredAtMs + skewMs
    }
    this.latestExpiryMs = latestMs
    const cancelFromMs = cancelTry === undefined ? Infinity : cancelTry.sentAtMs - skewMs
    const rowEndMs = row?.cancelledAtMs ?? Infinity
    const endedMs = Math.min(earliestMs, cancelFromMs, rowEndMs - clockToleranceMs)
    this.mustLiveUntilMs = Math.max(endedMs, this.seenLivingMs)
    this.certainUntilMs = isBought ? Infinity : this.mustLiveUntilMs
    const isMaybeBought = purchaseTry !== undefined && purchaseTry.sentAtMs - skewMs <= latestMs
    const isMaybeCancelling = cancel === undefined && cancelFromMs <= latestMs
    if (isBought || isMaybeBought || isMaybeCancelling) this.possibleUntilMs = Infinity
    else if (cancel !== undefined) this.possibleUntilMs = cancel.answeredAtMs + skewMs
    else this.possibleUntilMs = latestMs
    if (!isBought && overAnswer !== undefined) {
      // Over is not yet free: what has expired is found within the tolerance.
      const overMs = overAnswer.answeredAtMs + skewMs + expiryToleranceMs
      this.possibleUntilMs = Math.min(this.possibleUntilMs, overMs)
    }
  }

  /** The calls that say what this reservation was, for the evidence. */
  get calls(): RecordedCall[] {
    const { checkout, purchaseTry, purchase, cancelTry, cancel } = this
    const calls = [checkout, purchaseTry, purchase, cancelTry, cancel]
    return [...new Set(calls.filter((call) => call !== undefined))]
  }

  /** Its rows, for the evidence. */
  get rows(): EvidenceRow[] {
    const rows: EvidenceRow[] = []
    if (this.row !== undefined) rows.push({ table: 'checkouts', ...this.row })
    if (this.purchaseRow !== undefined) rows.push({ table: 'purchases', ...this.purchaseRow })
    return rows
  }
}
