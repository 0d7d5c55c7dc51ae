import type { CheckContext } from '../sweep.ts'
import type { Track } from '../track.ts'

/** Sales follow each other: once a code of a newer sale was given, an older one gives none. */
export function checkSaleOrder({ book, found }: CheckContext, track: Track): void {
  const { saleId } = track.sale
  if (saleId >= book.newestSaleId) return
  found.add(
    'sale_reopened',
    `item ${track.itemId} was reserved in sale ${saleId} after sale ${book.newestSaleId} had begun`,
    { calls: track.calls, rows: track.rows },
  )
}
