import { type CheckoutCodeWords, codeWord1, codeWord2, formatCheckoutCode } from './checkout-code.ts'
import type { Inventory } from './inventory.ts'
import { type Reservation, reservationOf } from './reservation.ts'
import type { SaleTime } from './sale-time.ts'
import type { SlotContent } from './slot-payload.ts'
import { generationOf } from './slot-word.ts'

/**
 * The first of two phases, owned by the thread that began it and not to be given to another. Exactly one of
 * `confirm` and `rollback` takes effect, the first that is called; both may be called again and then only
 * report. With `using`, whatever was not confirmed is rolled back at the end of the block.
 *
 * It never ends by itself: a thread that dies with it leaves the item taken (docs/invariants.md, INV-4).
 */
abstract class Pending implements CheckoutCodeWords, Disposable {
  readonly ok = true as const
  readonly itemId: number
  readonly userLow: number
  readonly userHigh: number
  /** The code as four big-endian Int32 words, for binary protocols. `word0` is the sale's id. */
  readonly word0: number
  readonly word1: number
  readonly word2: number
  readonly word3: number
  /** When the reservation ends, in milliseconds of the monotonic clock. */
  readonly expiresMonotonicMs: number
  readonly #inventory: Inventory
  readonly #time: SaleTime
  readonly #word: number
  #state: 'pending' | 'confirmed' | 'rolled_back' = 'pending'

  constructor(inventory: Inventory, time: SaleTime, saleId: number, slot: number, content: SlotContent) {
    this.#inventory = inventory
    this.#time = time
    this.#word = content.word
    this.itemId = slot
    this.userLow = content.userLow
    this.userHigh = content.userHigh
    this.word0 = saleId | 0
    this.word1 = codeWord1(slot, generationOf(content.word), content.random0)
    this.word2 = codeWord2(content.random0)
    this.word3 = content.random1
    this.expiresMonotonicMs = content.expiresMs
  }

  get saleId(): number {
    return this.word0 >>> 0
  }

  /** The text of the code. Computed at each call. */
  get code(): string {
    return formatCheckoutCode(this)
  }

  /** Computed at each call. */
  get reservation(): Reservation {
    return reservationOf(this, this.itemId, this.userLow, this.userHigh, this.expiresAt)
  }

  /** Unix milliseconds, by the wall clock now. */
  get expiresAt(): number {
    return Math.round(this.#time.wallMs() + this.remainingMs)
  }

  /** Milliseconds until the reservation ends; negative when it has ended. */
  get remainingMs(): number {
    return this.expiresMonotonicMs - this.#time.monotonicMs()
  }

  get isPending(): boolean {
    return this.#state === 'pending'
  }

  /** Makes it final. True when it is confirmed, now or before; false when it was rolled back before. */
  confirm(): boolean {
    if (this.#settle('confirmed')) this.onConfirm(this.#inventory, this.#word)
    return this.#state === 'confirmed'
  }

  /** Undoes it. True when it is rolled back, now or before; false when it was confirmed before. */
  rollback(): boolean {
    if (this.#settle('rolled_back')) this.onRollback(this.#inventory, this.#word, this.#time)
    return this.#state === 'rolled_back'
  }

  [Symbol.dispose](): void {
    this.rollback()
  }

  protected abstract onConfirm(inventory: Inventory, word: number): void
  protected abstract onRollback(inventory: Inventory, word: number, time: SaleTime): void

  /** Ends it with an effect of its own, if it is pending; says whether it was. */
  protected settleBy(effect: (inventory: Inventory, word: number) => void): boolean {
    if (!this.#settle('confirmed')) return false
    effect(this.#inventory, this.#word)
    return true
  }

  #settle(state: 'confirmed' | 'rolled_back'): boolean {
    if (this.#state !== 'pending') return false
    this.#state = state
    return true
  }
}

/**
 * An item taken for a user whose reservation is not yet real: nobody else can have the item, nobody can
 * purchase with the code, and it does not expire until `confirm` makes it a reservation or `rollback` frees it.
 */
export class PendingCheckout extends Pending {
  protected override onConfirm(inventory: Inventory, word: number): void {
    inventory.confirmHold(this.itemId, word)
  }

  protected override onRollback(inventory: Inventory, word: number): void {
    inventory.rollbackHold(this.itemId, word)
  }
}

/**
 * A reservation whose purchase is not yet real: expiry is off until `confirm` sells the item or `rollback`
 * gives the reservation back, or frees the item when the reservation has run out meanwhile.
 */
export class PendingPurchase extends Pending {
  /**
   * The durable store says that another code owns the item: it is sold, but not to this user, and this code is
   * forgotten. True when this call settled it. Alarm: it follows a bug.
   */
  confirmForeign(): boolean {
    return this.settleBy((inventory, word) => { inventory.confirmForeign(this.itemId, word) })
  }

  protected override onConfirm(inventory: Inventory, word: number): void {
    inventory.confirmPurchase(this.itemId, word)
  }

  protected override onRollback(inventory: Inventory, word: number, time: SaleTime): void {
    inventory.rollbackPurchase(this.itemId, word, time.monotonicMs())
  }
}

/**
 * A reservation whose cancellation is not yet real: it can be neither purchased nor taken by another until
 * `confirm` frees the item or `rollback` gives the reservation back.
 */
export class PendingCancel extends Pending {
  protected override onConfirm(inventory: Inventory, word: number): void {
    inventory.confirmCancel(this.itemId, word)
  }

  protected override onRollback(inventory: Inventory, word: number): void {
    inventory.rollbackCancel(this.itemId, word)
  }
}
