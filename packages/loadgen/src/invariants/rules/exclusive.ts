import type { ItemState } from '../sale-state.ts'
import type { CheckContext } from '../sweep.ts'
import type { Track } from '../track.ts'

/** No two reservations of one item certainly live at one moment; a purchase lives for ever. */
export function checkExclusive({ found }: CheckContext, item: ItemState, track: Track): void {
  const other = item.certain.find((holder) => holder !== track)
  if (other === undefined) return
  const [earlier, later] = other.certainFromMs <= track.certainFromMs ? [other, track] : [track, other]
  const state = earlier.isBought ? 'bought' : 'living'
  found.add(
    'reservations_overlap',
    `item ${track.itemId} of sale ${track.sale.saleId} was given to user ${later.userId} ` +
      `while the reservation of user ${earlier.userId} was ${state}`,
    { calls: [...earlier.calls, ...later.calls], rows: [...earlier.rows, ...later.rows] },
  )
}
