import type { UserState } from '../sale-state.ts'
import type { CheckContext } from '../sweep.ts'
import type { Track } from '../track.ts'

/** Reservations and purchases that are certainly a user's at one moment never exceed the limit. */
export function checkOwnedLimit({ found }: CheckContext, user: UserState, track: Track): void {
  const { sale } = track
  if (sale.userLimit === undefined || user.certain.size <= sale.userLimit) return
  const owned = [...user.certain]
  const shown = owned.slice(0, sale.userLimit + 1)
  found.add(
    'reservations_above_limit',
    `user ${track.userId} had ${owned.length} reservations and purchases of sale ${sale.saleId} ` +
      `at one moment, limit ${sale.userLimit}; the last is item ${track.itemId}`,
    { calls: shown.flatMap((one) => one.calls), rows: shown.flatMap((one) => one.rows) },
  )
}
