import type {
  CheckoutCodeWords, Item, PendingCancel, PendingCheckout, PendingPurchase, Refusal, ReservationInfo, Stats, UserId,
} from 'megacache'

/**
 * All that the request path asks of an inventory: first phases whose second phase follows the database, and
 * reads. `Megacache` fits as it is. An engine on several machines would answer the same verbs by promises;
 * the three routes that call the first phases are then the only ones to change.
 */
export interface SaleEngine {
  readonly saleId: number
  readonly items: number
  readonly userLimit: number
  readonly reservationTtlMs: number
  tryCheckout(userId: UserId, itemId: number): PendingCheckout | Refusal
  tryPurchase(code: CheckoutCodeWords): PendingPurchase | Refusal
  tryCancel(code: CheckoutCodeWords): PendingCancel | Refusal
  reservation(code: CheckoutCodeWords): ReservationInfo | Refusal
  item(itemId: number): Item
  stats(): Stats
  close(): void
}
