import { MegacacheError } from '../megacache-error.ts'
import type { PurchaseRow, ReservationRow, RestoreResult, RestoreRows, Snapshot } from '../restore.ts'
import type { ReferenceItem, ReferenceSale } from './reference-sale.ts'
import { codeIn, userIn } from './reference-values.ts'

/** Purchases first, then foreign items, then reservations in the order of the life they have left. */
export function restoreReference(sale: ReferenceSale, rows: RestoreRows): RestoreResult {
  let purchases = 0
  for (const row of rows.purchases) if (putPurchase(sale, row)) purchases++
  for (const itemId of rows.foreignItems ?? []) putForeign(sale, itemId)
  let reservations = 0
  const superseded: ReservationRow[] = []
  const alive = [...rows.reservations].filter(({ remainingMs }) => remainingMs > 0)
  for (const row of alive.toSorted((a, b) => b.remainingMs - a.remainingMs)) {
    const slot = slotFor(sale, row)
    const isHere = slot.state !== 'free' && slot.code === codeIn(row.code)
    if (isHere) continue
    if (slot.state !== 'free' || sale.countOf(userIn(row.userId)) >= sale.userLimit) superseded.push(row)
    else {
      put(slot, row, 'held', sale.clock.monotonicMs() + Math.min(row.remainingMs, sale.reservationTtlMs))
      reservations++
    }
  }
  return { purchases, reservations, superseded }
}

/** What `restoreReference` would put back: purchases, items sold elsewhere, reservations with life left. */
export function snapshotOfReference(sale: ReferenceSale): Snapshot {
  const sold = sale.slots.filter(({ state }) => state === 'sold')
  const reserved = sale.slots.filter(({ state }) => state === 'held' || state === 'buying' || state === 'cancelling')
  return {
    saleId: sale.saleId,
    purchases: sold.filter(({ code }) => code !== undefined).map((slot) => rowOf(slot)),
    foreignItems: sold.filter(({ code }) => code === undefined).map(({ itemId }) => itemId),
    reservations: reserved.filter((slot) => !sale.isExpired(slot))
      .map((slot) => ({ ...rowOf(slot), remainingMs: slot.expiresMs - sale.clock.monotonicMs() })),
  }
}

function putPurchase(sale: ReferenceSale, row: PurchaseRow): boolean {
  const slot = slotFor(sale, row)
  if (slot.state === 'free') {
    if (sale.countOf(userIn(row.userId)) >= sale.userLimit) throw conflict(row)
    put(slot, row, 'sold', sale.clock.monotonicMs())
    return true
  }
  if (slot.code !== codeIn(row.code)) throw conflict(row)
  if (slot.state === 'sold') return false
  if (slot.state !== 'held') throw conflict(row)
  slot.state = 'sold'
  return true
}

function putForeign(sale: ReferenceSale, itemId: number): void {
  const slot = sale.slots[itemId]
  if (slot === undefined) throw new MegacacheError('restore_conflict', `there is no item ${itemId}`)
  if (slot.state === 'sold' && slot.code === undefined) return
  if (slot.state !== 'free') throw new MegacacheError('restore_conflict', `item ${itemId} is taken`)
  slot.state = 'sold'
  slot.code = undefined
  slot.userId = undefined
}

function put(slot: ReferenceItem, row: PurchaseRow, state: 'held' | 'sold', expiresMs: number): void {
  slot.state = state
  slot.code = codeIn(row.code)
  slot.userId = userIn(row.userId)
  slot.expiresMs = Math.ceil(expiresMs)
}

function slotFor(sale: ReferenceSale, row: PurchaseRow): ReferenceItem {
  const slot = sale.slots[row.itemId]
  const code = codeIn(row.code)
  const isOfSale = code !== undefined && Number.parseInt(code.slice(0, 8), 16) === sale.saleId
  if (slot === undefined || !isOfSale) throw conflict(row)
  const isSameUser = slot.userId === userIn(row.userId)
  if (slot.state !== 'free' && slot.code === code && !isSameUser) throw conflict(row)
  return slot
}

function conflict(row: PurchaseRow): MegacacheError {
  return new MegacacheError('restore_conflict', `cannot restore code ${row.code} of item ${row.itemId}`)
}

function rowOf({ code, itemId, userId }: ReferenceItem): { code: string; itemId: number; userId: bigint } {
  return { code: code!, itemId, userId: userId! }
}
