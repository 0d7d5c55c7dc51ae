import { type CheckoutCodeWords, formatCheckoutCode, tenureOf } from './checkout-code.ts'
import type { SlotContent } from './slot-payload.ts'
import { BUYING, CANCELLING, FREE, HELD, payloadGeneration, RELEASING, SOLD, stateOf } from './slot-word.ts'
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

/** `reserved` can be purchased or cancelled until `expiresAt`; `purchasing` and `cancelling` are being made durable. */
export type ReservationState = 'reserved' | 'purchasing' | 'cancelling' | 'purchased' | 'expired'

export interface ReservationInfo extends Reservation {
  readonly ok: true
  readonly state: ReservationState
}

/** `text` is the code in lower case, where the caller has it already: writing it out costs more than all the rest. */
export function reservationOf(
  code: CheckoutCodeWords, itemId: number, userLow: number, userHigh: number, expiresAt: number,
  text: string = formatCheckoutCode(code),
): Reservation {
  return {
    code: text,
    saleId: code.word0 >>> 0,
    itemId,
    userId: userIdOf(userLow, userHigh),
    expiresAt,
  }
}

/**
 * What has become of a code, as its slot shows it. Undefined when the slot is not the code's, which includes
 * HOLDING: such a code has been given to nobody.
 */
export function reservationStateOf(
  content: SlotContent, code: { tenure: number; random0: number; random1: number }, nowMs: number,
): ReservationState | undefined {
  if (content.random0 !== code.random0 || content.random1 !== code.random1) return undefined
  if (tenureOf(payloadGeneration(content.word)) !== code.tenure) return undefined
  switch (stateOf(content.word)) {
    case HELD:
      return nowMs >= content.expiresMs ? 'expired' : 'reserved'
    case BUYING:
      return 'purchasing'
    case CANCELLING:
      return 'cancelling'
    case SOLD:
      return 'purchased'
    case FREE:
    case RELEASING:
      return 'expired'
    default:
      return undefined
  }
}
