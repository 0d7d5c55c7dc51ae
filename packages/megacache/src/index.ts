export {
  type CheckoutCodeWords, CheckoutCodeReader, formatCheckoutCode, parseCheckoutCode,
} from './checkout-code.ts'
export {
  type Accepted, GRID, type Item, type ItemState, Megacache, type ReservationInfo, type ReservationState, type Stats, type User,
} from './megacache.ts'
export { MegacacheError, type MegacacheErrorCode } from './megacache-error.ts'
export { PendingCancel, PendingCheckout, PendingPurchase } from './pending.ts'
export { REFUSAL_REASONS, type Refusal, type RefusalReason } from './refusal.ts'
export type { Reservation } from './reservation.ts'
export type { PurchaseRow, ReservationRow, RestoreResult, RestoreRows, Snapshot } from './restore.ts'
export type { MegacacheOptions, SaleHandle } from './sale-handle.ts'
export { type SaleTime, systemTime } from './sale-time.ts'
export { type Int64Words, type UserId, userIdOf } from './user-id.ts'
