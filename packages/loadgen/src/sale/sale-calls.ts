import { isCheckoutCode } from '../checkout-code.ts'
import type { Answer, VirtualUser } from '../scenario/virtual-user.ts'

/** The requests of a flash sale that the presets make. */
export const SALE_STEPS = ['checkout', 'purchase', 'sale'] as const

/** With those that look at a reservation and give it back. */
export const AUDIT_STEPS = ['checkout', 'purchase', 'sale', 'cancel', 'read'] as const

/** A virtual user of a preset. */
export type Buyer<State = unknown, Shared = unknown> = VirtualUser<
  (typeof SALE_STEPS)[number],
  State,
  Shared
>

/** A virtual user that looks and gives back as well. */
export type Inspector = VirtualUser<(typeof AUDIT_STEPS)[number], unknown, unknown>

/** A code that was acknowledged, and what it is for. */
export interface HeldReservation {
  readonly code: string
  readonly itemId: number
  readonly userId: string
  /** Unix milliseconds when the checkout was answered: the reservation began before. */
  readonly answeredAtMs: number
}

/** Reserves an item, and records the call; undefined when it was not granted. */
export async function tryCheckout(
  buyer: Buyer,
  userId: string,
  itemId: number,
): Promise<{ answer: Answer; held: HeldReservation | undefined }> {
  const answer = await buyer.request('checkout', {
    method: 'POST',
    path: `/checkout?user_id=${userId}&item_id=${itemId}`,
    call: { step: 'checkout', itemId, userId, code: '' },
  })
  const isGranted = answer.status === 200 && isCheckoutCode(answer.body)
  if (isGranted) buyer.count('reserved')
  const { body: code, endedAtMs: answeredAtMs } = answer
  return { answer, held: isGranted ? { code, itemId, userId, answeredAtMs } : undefined }
}

/** Buys what is held, and records the call. */
export async function tryPurchase(buyer: Buyer, held: HeldReservation): Promise<Answer> {
  const { code, itemId, userId } = held
  const answer = await buyer.request('purchase', {
    method: 'POST',
    path: `/purchase?code=${code}`,
    call: { step: 'purchase', itemId, userId, code },
  })
  if (answer.status === 200) buyer.count('purchased')
  return answer
}

/** Gives back what is held, and records the call. */
export function tryCancel(inspector: Inspector, held: HeldReservation): Promise<Answer> {
  const { code, itemId, userId } = held
  return inspector.request('cancel', {
    method: 'DELETE',
    path: `/reservations/${code}`,
    call: { step: 'cancel', itemId, userId, code },
  })
}

/** Looks at a reservation, and records what it was told. */
export function tryRead(inspector: Inspector, held: HeldReservation): Promise<Answer> {
  const { code, itemId, userId } = held
  return inspector.request('read', {
    path: `/reservations/${code}`,
    call: { step: 'read', itemId, userId, code },
  })
}

/** Different items, at most as many as there are. */
export function differentItems(buyer: Buyer, items: number, count: number): number[] {
  const wanted = Math.min(items, count)
  const first = buyer.random.below(items)
  return Array.from({ length: wanted }, (_, i) => (first + i) % items)
}
