import { CheckoutCodeReader, codeWord1, codeWord2, CODE_LENGTH, formatCheckoutCode } from './checkout-code.ts'
import type { Inventory } from './inventory.ts'
import { MegacacheError } from './megacache-error.ts'
import { emptyContent, type SlotContent } from './slot-payload.ts'
import { BUYING, CANCELLING, FREE, generationOf, HELD, SOLD, stateOf } from './slot-word.ts'
import { type UserId, UserIdReader, userIdOf } from './user-id.ts'

export interface PurchaseRow {
  readonly code: string
  readonly itemId: number
  readonly userId: UserId
}

export interface ReservationRow extends PurchaseRow {
  /** Milliseconds of life left. More than reservationTtlMs counts as that; rows with none left are passed over. */
  readonly remainingMs: number
}

export interface RestoreRows {
  readonly purchases: Iterable<PurchaseRow>
  readonly reservations: Iterable<ReservationRow>
  /** Items sold to a code and a user that this sale does not know (`confirmForeign`). None by default. */
  readonly foreignItems?: Iterable<number>
}

export interface RestoreResult {
  /** Rows that changed something; those already in memory are not counted. */
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
  readonly foreignItems: number[]
}

/** See `Megacache.restore`. Purchases first: they are for ever. Then reservations, longest life first. */
export function restore(
  inventory: Inventory, saleId: number, nowMs: number, ttlMs: number, rows: RestoreRows,
): RestoreResult {
  const reader = new RowReader(inventory, saleId)
  let purchases = 0
  for (const row of rows.purchases) if (putPurchase(inventory, reader, row, nowMs)) purchases++
  for (const itemId of rows.foreignItems ?? []) putForeign(inventory, itemId)
  let reservations = 0
  const superseded: ReservationRow[] = []
  const byLifeLeft = [...rows.reservations].filter((row) => hasLifeLeft(row))
  byLifeLeft.sort((a, b) => b.remainingMs - a.remainingMs)
  for (const row of byLifeLeft) {
    reader.read(row)
    const isFree = stateOf(reader.slot.word) === FREE
    if (!isFree && reader.isSlotOfRow) continue
    const expiresMs = Math.ceil(nowMs + Math.min(row.remainingMs, ttlMs))
    const { code, user } = reader
    if (isFree && inventory.put(code, user.low, user.high, expiresMs, HELD)) reservations++
    else superseded.push(row)
  }
  return { purchases, reservations, superseded }
}

/** See `Megacache.snapshot`. */
export function snapshot(inventory: Inventory, saleId: number, nowMs: number): Snapshot {
  const slot = emptyContent()
  const result: Snapshot = { saleId, purchases: [], reservations: [], foreignItems: [] }
  for (let itemId = 0; itemId < inventory.items; itemId++) {
    inventory.read(itemId, slot)
    const state = stateOf(slot.word)
    if (state === SOLD && (slot.random0 | slot.random1) === 0) result.foreignItems.push(itemId)
    else if (state === SOLD) result.purchases.push(rowOf(saleId, itemId, slot))
    else if ((state === HELD || state === BUYING || state === CANCELLING) && slot.expiresMs > nowMs) {
      result.reservations.push({ ...rowOf(saleId, itemId, slot), remainingMs: slot.expiresMs - nowMs })
    }
  }
  return result
}

/** False: the purchase is in memory already. */
function putPurchase(inventory: Inventory, reader: RowReader, row: PurchaseRow, nowMs: number): boolean {
  reader.read(row)
  const { code, user, slot } = reader
  const state = stateOf(slot.word)
  if (state !== FREE && !reader.isSlotOfRow) throw conflict(row, 'its item is taken by another code')
  if (state === SOLD) return false
  if (state === HELD) inventory.sellHeld(row.itemId, slot.word)
  else if (state !== FREE) throw conflict(row, 'a call of this sale is pending on its item')
  else if (!inventory.put(code, user.low, user.high, Math.ceil(nowMs), SOLD)) {
    throw conflict(row, 'its user has purchased more than the limit')
  }
  return true
}

function putForeign(inventory: Inventory, itemId: number): void {
  const isItem = Number.isInteger(itemId) && itemId >= 0 && itemId < inventory.items
  if (!isItem) throw new MegacacheError('restore_conflict', `cannot restore foreign item ${String(itemId)}: the sale has none such`)
  const slot = emptyContent()
  inventory.read(itemId, slot)
  if (stateOf(slot.word) === SOLD && (slot.random0 | slot.random1) === 0) return
  if (stateOf(slot.word) !== FREE) {
    throw new MegacacheError('restore_conflict', `cannot restore foreign item ${itemId}: it is taken by a code`)
  }
  inventory.putForeign(itemId)
}

function hasLifeLeft(row: ReservationRow): boolean {
  if (typeof row.remainingMs !== 'number' || Number.isNaN(row.remainingMs)) {
    throw conflict(row, 'its remainingMs is not a number')
  }
  return row.remainingMs > 0
}

function rowOf(saleId: number, itemId: number, slot: SlotContent): { code: string; itemId: number; userId: bigint } {
  const code = formatCheckoutCode({
    word0: saleId | 0,
    word1: codeWord1(itemId, generationOf(slot.word), slot.random0),
    word2: codeWord2(slot.random0),
    word3: slot.random1,
  })
  return { code, itemId, userId: userIdOf(slot.userLow, slot.userHigh) }
}

/** Reads a row and the slot that it names, and checks that they can belong together. Reusable. */
class RowReader {
  readonly code = new CheckoutCodeReader()
  readonly user = new UserIdReader()
  readonly slot: SlotContent = emptyContent()
  /** Whether the slot, if it is not free, holds this row's code. */
  isSlotOfRow = false
  readonly #inventory: Inventory
  readonly #saleId: number

  constructor(inventory: Inventory, saleId: number) {
    this.#inventory = inventory
    this.#saleId = saleId
  }

  read(row: PurchaseRow): void {
    const { code, user, slot } = this
    user.read(row.userId)
    const isCode = typeof row.code === 'string' && row.code.length === CODE_LENGTH && code.read(row.code) && code.isOurs
    if (!isCode) throw conflict(row, 'its code is not one of ours')
    if (code.saleId !== this.#saleId) throw conflict(row, `its code is of sale ${code.saleId}, this is ${this.#saleId}`)
    const isOfItem = code.slot === row.itemId && code.slot < this.#inventory.items
    if (!isOfItem) throw conflict(row, `its code names item ${code.slot}`)
    this.#inventory.read(row.itemId, slot)
    this.isSlotOfRow = slot.random0 === code.random0 && slot.random1 === code.random1
    const isSameUser = slot.userLow === user.low && slot.userHigh === user.high
    if (this.isSlotOfRow && stateOf(slot.word) !== FREE && !isSameUser) throw conflict(row, 'its code belongs to another user')
  }
}

function conflict(row: PurchaseRow, why: string): MegacacheError {
  return new MegacacheError('restore_conflict', `cannot restore code ${row.code} of item ${row.itemId}: ${why}`)
}
