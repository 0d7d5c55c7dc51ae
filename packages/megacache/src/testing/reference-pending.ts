import type { Reservation } from '../reservation.ts'
import type { ReferenceItem, ReferenceSale } from './reference-sale.ts'

/** The model of a first phase: the first of `confirm` and `rollback` counts, later calls only report. */
export class ReferencePending implements Disposable {
  readonly ok = true as const
  readonly itemId: number
  readonly saleId: number
  readonly code: string
  readonly expiresMonotonicMs: number
  protected readonly sale: ReferenceSale
  protected readonly slot: ReferenceItem
  readonly #userId: bigint
  readonly #onConfirm: () => void
  readonly #onRollback: () => void
  #state: 'pending' | 'confirmed' | 'rolled_back' = 'pending'

  constructor(sale: ReferenceSale, slot: ReferenceItem, onConfirm: () => void, onRollback: () => void) {
    this.itemId = slot.itemId
    this.saleId = sale.saleId
    this.code = slot.code!
    this.expiresMonotonicMs = slot.expiresMs
    this.sale = sale
    this.slot = slot
    this.#userId = slot.userId!
    this.#onConfirm = onConfirm
    this.#onRollback = onRollback
  }

  get reservation(): Reservation {
    const { code, itemId, expiresMonotonicMs: expiresMs } = this
    return this.sale.reservationOf({ code, itemId, expiresMs, userId: this.#userId, state: 'held' })
  }

  get expiresAt(): number {
    return this.reservation.expiresAt
  }

  get remainingMs(): number {
    return this.expiresMonotonicMs - this.sale.clock.monotonicMs()
  }

  get isPending(): boolean {
    return this.#state === 'pending'
  }

  confirm(): boolean {
    if (this.isPending) {
      this.#state = 'confirmed'
      this.#onConfirm()
    }
    return this.#state === 'confirmed'
  }

  rollback(): boolean {
    if (this.isPending) {
      this.#state = 'rolled_back'
      this.#onRollback()
    }
    return this.#state === 'rolled_back'
  }

  [Symbol.dispose](): void {
    this.rollback()
  }

  /** Ends it as confirmed, with nothing done; says whether it was pending. */
  protected settle(): boolean {
    if (!this.isPending) return false
    this.#state = 'confirmed'
    return true
  }
}

export class ReferencePendingPurchase extends ReferencePending {
  /** Sold to somebody that the sale does not know: nobody's item, nobody's code. */
  confirmForeign(): boolean {
    if (!this.settle()) return false
    this.slot.state = 'sold'
    this.slot.code = undefined
    this.slot.userId = undefined
    return true
  }
}
