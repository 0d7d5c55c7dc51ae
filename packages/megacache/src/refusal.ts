/**
 * The expected "no"s. Each is one frozen constant, so that refusing allocates nothing.
 *
 * Precedence, when several apply (a test holds it). Checkout: `sale_closed`, `sold_out`, `item_sold`,
 * `item_reserved`, `user_limit_reached`. Purchase and cancel: `malformed_code`, `unknown_code`,
 * `already_purchased`, `purchase_pending`, `cancel_pending`, `reservation_expired`. When threads race,
 * any reason that was true at some moment of the call may be given.
 */
export type RefusalReason =
  /** The sale no longer takes reservations; codes already given still work. */
  | 'sale_closed'
  /** Every item of the sale is sold. */
  | 'sold_out'
  /** This item is sold. */
  | 'item_sold'
  /** Somebody has this item reserved, or is just reserving or releasing it. */
  | 'item_reserved'
  /** The user already holds as many items, reserved and purchased together, as the sale allows. */
  | 'user_limit_reached'
  /** The code is not 36 characters of a UUID. */
  | 'malformed_code'
  /** The code names no reservation of this sale: never given, cancelled, or long gone. */
  | 'unknown_code'
  /** The code has bought its item already. */
  | 'already_purchased'
  /** A purchase with this code is in flight; ask again. */
  | 'purchase_pending'
  /** A cancellation of this code is in flight; ask again. */
  | 'cancel_pending'
  /** The reservation has run out. */
  | 'reservation_expired'

export interface Refusal {
  readonly ok: false
  readonly reason: RefusalReason
}

export const REFUSAL_REASONS: readonly RefusalReason[] = Object.freeze([
  'sale_closed', 'sold_out', 'item_sold', 'item_reserved', 'user_limit_reached', 'malformed_code', 'unknown_code',
  'already_purchased', 'purchase_pending', 'cancel_pending', 'reservation_expired',
] as const)

export const SALE_CLOSED: Refusal = refusal('sale_closed')
export const SOLD_OUT: Refusal = refusal('sold_out')
export const ITEM_SOLD: Refusal = refusal('item_sold')
export const ITEM_RESERVED: Refusal = refusal('item_reserved')
export const USER_LIMIT_REACHED: Refusal = refusal('user_limit_reached')
export const MALFORMED_CODE: Refusal = refusal('malformed_code')
export const UNKNOWN_CODE: Refusal = refusal('unknown_code')
export const ALREADY_PURCHASED: Refusal = refusal('already_purchased')
export const PURCHASE_PENDING: Refusal = refusal('purchase_pending')
export const CANCEL_PENDING: Refusal = refusal('cancel_pending')
export const RESERVATION_EXPIRED: Refusal = refusal('reservation_expired')

function refusal(reason: RefusalReason): Refusal {
  return Object.freeze({ ok: false, reason })
}
