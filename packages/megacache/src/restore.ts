import { CheckoutCodeReader, codeWord1, codeWord2, CODE_LENGTH, formatCheckoutCode } from './checkout-code.ts'
import type { Inventory, SlotContent } from './inventory.ts'
import { MegacacheError } from './megacache-error.ts'
import type { SaleTime } from './sale-time.ts'
import { FREE, generationOf, HELD, SOLD, stateOf } from './slot-word.ts'
import { type UserId, UserIdReader, userIdOf } from './user-id.ts'

export interface PurchaseRow {
  readonly code: string
  readonly itemId: number
  readonly userId: UserId
}

export interface ReservationRow extends PurchaseRow {
  /** Milliseconds of life left. Clamped to 0 .. reservationTtlMs; rows with none left are passed over. */
  readonly remainingMs: number
}

export interface RestoreRows {
  readonly purchases: Iterable<PurchaseRow>
  readonly reservations: Iterable<ReservationRow>
}

export interface RestoreResult {
  readonly purchases: number
  readonly reservations: number
  /**
   * Reservations not put back although unexpired, because a purchase or a longer-lived reservation has the
   * item, or the user is at the limit without them. They had ended in memory when the others began; a store
   * whose clock differs by some milliseconds still shows them.
   */
  readonly superseded: readonly ReservationRow[]
}

export interface Snapshot {
  readonly saleId: number
  readonly purchases: { code: string; itemId: number; userId: bigint }[]
  readonly reservations: { code: string; itemId: number; userId: bigint; remainingMs: number }[]
}

/** See `Megacache.restore`. Purchases first: they are for ever. Then reservations, longest life first. */
export function restore(
  inventory: Inventory, saleId: number, time: SaleTime, ttlMs: number, rows: RestoreRows,
): RestoreResult {
  const code = new CheckoutCodeReader()
  const user = new UserIdReader()
  const nowMs = time.monotonicMs()
  let purchases = 0
  for (const row of rows.purchases) {
    readRow(row, saleId, inventory.items, code, user)
    const state = stateOf(inventory.wordOf(row.itemId))
    if (state === SOLD && inventory.isCodeOf(code)) continue
    if (state !== FREE) throw conflict(row, 'its item is taken by another code')
    if (!inventory.put(code, user.low, user.high, Math.ceil(nowMs), SOLD)) {
      throw conflict(row, 'its user has purchased more than the limit')
    }
    purchases++
  }
  let reservations = 0
  const superseded: ReservationRow[] = []
  const byLifeLeft = [...rows.reservations].filter((row) => row.remainingMs > 0)
  byLifeLeft.sort((a, b) => b.remainingMs - a.remainingMs)
  for (const row of byLifeLeft) {
    readRow(row, saleId, inventory.items, code, user)
    const word = inventory.wordOf(row.itemId)
    if (stateOf(word) !== FREE) {
      if (!inventory.isCodeOf(code)) superseded.push(row)
      continue
    }
    const expiresMs = Math.ceil(nowMs + Math.min(row.remainingMs, ttlMs))
    if (inventory.put(code, user.low, user.high, expiresMs, HELD)) reservations++
    else superseded.push(row)
  }
  return { purchases, reservations, superseded }
}

/** See `Megacache.snapshot`. */
export function snapshot(inventory: Inventory, saleId: number, time: SaleTime): Snapshot {
  const content: SlotContent = { word: 0, random0: 0, random1: 0, userLow: 0, userHigh: 0, expiresMs: 0 }
  const nowMs = time.monotonicMs()
  const result: Snapshot = { saleId, purchases: [], reservations: [] }
  for (let itemId = 0; itemId < inventory.items; itemId++) {
    inventory.read(itemId, content)
    const state = stateOf(content.word)
    if (state !== SOLD && state !== HELD) continue
    const code = formatCheckoutCode({
      word0: saleId | 0,
      word1: codeWord1(itemId, generationOf(content.word), content.random0),
      word2: codeWord2(content.random0),
      word3: content.random1,
    })
    const userId = userIdOf(content.userLow, content.userHigh)
    if (state === SOLD) result.purchases.push({ code, itemId, userId })
    else if (content.expiresMs > nowMs) {
      result.reservations.push({ code, itemId, userId, remainingMs: content.expiresMs - nowMs })
    }
  }
  return result
}

function readRow(row: PurchaseRow, saleId: number, items: number, code: CheckoutCodeReader, user: UserIdReader): void {
  user.read(row.userId)
  if (row.code.length !== CODE_LENGTH || !code.read(row.code) || !code.isOurs) throw conflict(row, 'its code is not one of ours')
  if (code.saleId !== saleId) throw conflict(row, `its code is of sale ${code.saleId}, this is sale ${saleId}`)
  if (code.slot !== row.itemId || code.slot >= items) throw conflict(row, `its code names item ${code.slot}`)
}

function conflict(row: PurchaseRow, why: string): MegacacheError {
  return new MegacacheError('restore_conflict', `cannot restore code ${row.code} of item ${row.itemId}: ${why}`)
}
