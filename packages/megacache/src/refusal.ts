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

/**
 * A refusal of a first phase has nothing to roll back: leaving a `using` block with one does nothing. Only `ok` and
 * `reason` are enumerable, so that it compares, clones and prints as these two.
 */
export interface Refusal extends Disposable {
  readonly ok: false
  readonly reason: RefusalReason
}

export const REFUSAL_REASONS: readonly RefusalReason[] = Object.freeze([
  'sale_closed', 'sold_out', 'item_sold', 'item_reserved', 'user_limit_reached', 'malformed_code', 'unknown_code',
  'already_purchased', 'purchase_pending', 'cancel_pending', 'reservation_expired',
] as const)

export const REFUSALS: Readonly<Record<RefusalReason, Refusal>> =
  Object.freeze(Object.fromEntries(REFUSAL_REASONS.map((reason) => [reason, refusal(reason)])) as Record<RefusalReason, Refusal>)

export const SALE_CLOSED: Refusal = REFUSALS.sale_closed
export const SOLD_OUT: Refusal = REFUSALS.sold_out
export const ITEM_SOLD: Refusal = REFUSALS.item_sold
export const ITEM_RESERVED: Refusal = REFUSALS.item_reserved
export const USER_LIMIT_REACHED: Refusal = REFUSALS.user_limit_reached
export const MALFORMED_CODE: Refusal = REFUSALS.malformed_code
export const UNKNOWN_CODE: Refusal = REFUSALS.unknown_code
export const ALREADY_PURCHASED: Refusal = REFUSALS.already_purchased
export const PURCHASE_PENDING: Refusal = REFUSALS.purchase_pending
export const CANCEL_PENDING: Refusal = REFUSALS.cancel_pending
export const RESERVATION_EXPIRED: Refusal = REFUSALS.reservation_expired

function refusal(reason: RefusalReason): Refusal {
  return Object.freeze(Object.defineProperty({ ok: false, reason }, Symbol.dispose, { value: () => {} }) as Refusal)
}
