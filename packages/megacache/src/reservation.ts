import { type CheckoutCodeWords, formatCheckoutCode } from './checkout-code.ts'
import { userIdOf } from './user-id.ts'

/** One user's time-limited right to one item, as it was when it was read. */
export interface Reservation {
  /** 36 characters; whoever knows it may purchase or cancel. */
  readonly code: string
  readonly saleId: number
  readonly itemId: number
  readonly userId: bigint
  /** Unix milliseconds, from the wall clock at the time of reading; the monotonic clock decides. */
  readonly expiresAt: number
}

export function reservationOf(
  code: CheckoutCodeWords, itemId: number, userLow: number, userHigh: number, expiresAt: number,
): Reservation {
  return {
    code: formatCheckoutCode(code),
    saleId: code.word0 >>> 0,
    itemId,
    userId: userIdOf(userLow, userHigh),
    expiresAt,
  }
}
