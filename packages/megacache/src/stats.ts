import type { Inventory } from './inventory.ts'
import type { RefusalReason } from './refusal.ts'
import { CANCELLED, EXPIRED, RESERVED, ROLLED_BACK } from './tally.ts'

/** Counts over all threads. Exact while nothing changes, otherwise within what is in flight. */
export interface Stats {
  readonly items: number
  readonly available: number
  /** Items neither available nor sold. Expired reservations count until they are swept. */
  readonly reserved: number
  readonly sold: number
  readonly isClosed: boolean
  /** Since the sale was created: how often each thing happened. Restored rows are not counted. */
  readonly totals: {
    /** Reservations made, pending ones included, without those rolled back. */
    readonly reservations: number
    readonly expired: number
    readonly rolledBack: number
    readonly cancelled: number
    readonly refusals: Readonly<Record<RefusalReason, number>>
  }
}

/** See `Megacache.stats`. */
export function statsOf(inventory: Inventory, isClosed: boolean): Stats {
  const { items, tally } = inventory
  const sold = inventory.soldCount()
  const taken = Math.min(items, Math.max(sold, tally.taken()))
  const rolledBack = tally.total(ROLLED_BACK)
  return {
    items,
    available: items - taken,
    reserved: taken - sold,
    sold,
    isClosed,
    totals: {
      reservations: Math.max(0, tally.total(RESERVED) - rolledBack),
      expired: tally.total(EXPIRED),
      rolledBack,
      cancelled: tally.total(CANCELLED),
      refusals: tally.refusals(),
    },
  }
}
