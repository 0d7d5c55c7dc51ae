import {
  ALREADY_PURCHASED, CANCEL_PENDING, PURCHASE_PENDING, type Refusal, RESERVATION_EXPIRED, UNKNOWN_CODE,
} from './refusal.ts'
import { BUYING, CANCELLING, CLAIM, FREE, HELD, HOLDING, RELEASING, SOLD, type SlotState } from './slot-word.ts'

/** What one who brings the code of a slot's payload is told when the slot is in this state; nothing for HELD. */
const REFUSALS: Readonly<Record<SlotState, Refusal | undefined>> = Object.freeze({
  [FREE]: RESERVATION_EXPIRED,
  [CLAIM]: UNKNOWN_CODE,
  [HOLDING]: UNKNOWN_CODE,
  [HELD]: undefined,
  [BUYING]: PURCHASE_PENDING,
  [SOLD]: ALREADY_PURCHASED,
  [RELEASING]: RESERVATION_EXPIRED,
  [CANCELLING]: CANCEL_PENDING,
})

export function refusalOfState(state: SlotState): Refusal | undefined {
  return REFUSALS[state]
}
