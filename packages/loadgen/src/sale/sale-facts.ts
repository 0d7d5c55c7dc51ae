import type { ThreadPlan } from '../run-plan.ts'
import { LoadgenError } from '../loadgen-error.ts'
import type { SaleStatus } from '../sale-status.ts'

/** What the presets know of the sale and of their buyers. */
export interface SaleFacts {
  readonly sale: SaleStatus
  /** Milliseconds that a reservation lives: as the target says, or one minute. */
  readonly reservationTtlMs: number
  /** Decimal id of a buyer, by its index over all threads. */
  readonly buyerId: (index: number) => string
}

/** Unless the target tells how long reservations live. */
const RESERVATION_TTL_MS = 60_000

/** @throws LoadgenError `LOADGEN_SALE_MALFORMED` when nobody has read the sale. */
export function saleFacts({ plan }: ThreadPlan): SaleFacts {
  const { sale } = plan
  if (sale === undefined) {
    throw new LoadgenError('LOADGEN_SALE_MALFORMED', 'this scenario needs a flash sale')
  }
  const firstUserId = BigInt(plan.firstUserId)
  return {
    sale,
    reservationTtlMs: sale.reservationTtlMs ?? RESERVATION_TTL_MS,
    buyerId: (index) => (firstUserId + BigInt(index)).toString(),
  }
}
