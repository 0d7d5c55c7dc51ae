import { randomUUID } from 'node:crypto'

export interface FakePurchase {
  readonly saleId: number
  readonly itemId: number
  readonly userId: string
  readonly code: string
}
export interface FakeCheckout extends FakePurchase {
  readonly createdAtMs: number
  readonly expiresAtMs: number
}
/** Where the fake keeps its rows; the promise resolves when a row is durable. */
export interface FakeStore {
  sale(saleId: number, items: number, userLimit: number): Promise<void>
  checkout(row: FakeCheckout): Promise<void>
  purchase(row: FakePurchase): Promise<void>
  cancel(code: string): Promise<void>
}

/** Lies that a service could tell; each is told on every `lieEvery`-th occasion, except where said. */
export const DEFECTS = [
  'oversells',
  'loses a purchase',
  'sells eleven',
  'reserves without a row',
  'crosses a sale',
  'gives one code twice',
  'writes another user',
  'refuses a living reservation',
  'sells what nobody asked for',
  'answers without a code',
  'refuses what is free',
  'says sold what is not',
  'says sold out too early',
  'refuses below the limit',
  'reserves twice at once',
  'buys after expiry',
  'buys twice with one code',
  'expires late',
  'resurrects a cancelled reservation',
  'forgets a cancel',
  'keeps the money of a 503',
  'calls purchased what is not',
  'shows another user',
  'shows a bought reservation as reserved',
  'remembers what the last sale sold',
  'reopens an old sale',
] as const

export type Defect = (typeof DEFECTS)[number]

/** What the inventory is told. */
export interface InventoryOptions {
  readonly items: number
  readonly userLimit: number
  readonly ttlMs: number
  readonly saleId: number
  readonly defect: Defect | undefined
  readonly store: FakeStore | undefined
  readonly lieEvery: number
}

/** An answer: a status and a body, or the reason of a refusal. */
export interface FakeAnswer {
  readonly status: number
  readonly body: string
  readonly reason: string
}

interface Reservation extends FakeCheckout {
  /** Moments at which a write is under way: nothing else may be done with it. */
  isBusy: boolean
  state: 'reserved' | 'purchased' | 'cancelled' | 'expired'
  /** A try whose money was kept; all later ones are told that it expired. */
  isKept: boolean
}

interface Slot {
  /** The reservation that holds the item or held it last. */
  held: Reservation | undefined
  isSold: boolean
}

/** The state of an honest flash sale in memory, that can be told to lie. */
export class FakeInventory {
  saleId: number
  slots: Slot[]
  private readonly options: InventoryOptions
  private readonly reservations = new Map<string, Reservation>()
  private readonly living: Reservation[] = []
  private counts = new Map<string, number>()
  private lieCount = 0
  private lastCode = ''
  private rotatedCount = 0

  constructor(options: InventoryOptions) {
    this.options = options
    this.saleId = options.saleId
    this.slots = this.emptySlots()
  }

  get soldCount(): number {
    return this.slots.filter((slot) => slot.isSold).length
  }

  get reservedCount(): number {
    return this.slots.filter((slot) => this.isHeld(slot) && !slot.isSold).length
  }

  /** Starts the next sale: all items are free again, codes of the old one live on until they expire. */
  rotate(): void {
    this.saleId += 3_600
    this.rotatedCount++
    const old = this.slots
    this.slots = this.emptySlots()
    this.counts = new Map()
    if (this.options.defect !== 'remembers what the last sale sold') return
    for (const [i, slot] of old.entries()) if (slot.isSold) this.slots[i] = slot
  }

  async checkout(userId: string, itemId: number): Promise<FakeAnswer> {
    this.sweep()
    const slot = this.slots[itemId]
    if (slot === undefined || !/^-?\d+$/.test(userId)) return refusal('invalid_parameter', 400)
    const lie = this.lieAboutItem(slot)
    if (lie !== undefined) return refusal(lie)
    if (slot.isSold && !this.lies('oversells')) return refusal('item_sold')
    if (!slot.isSold && this.isHeld(slot) && !this.lies('reserves twice at once')) {
      return refusal('item_reserved')
    }
    const { defect, userLimit } = this.options
    const count = this.counts.get(userId) ?? 0
    if (count >= (defect === 'sells eleven' ? userLimit + 1 : userLimit)) {
      return refusal('user_limit_reached')
    }
    this.counts.set(userId, count + 1)
    const createdAtMs = Date.now()
    const row = {
      saleId: this.saleId,
      itemId,
      userId,
      code: this.newCode(),
      createdAtMs,
      expiresAtMs: createdAtMs + this.options.ttlMs,
    }
    const reservation: Reservation = { ...row, isBusy: true, state: 'reserved', isKept: false }
    slot.held = reservation
    slot.isSold = false
    this.reservations.set(row.code, reservation)
    this.living.push(reservation)
    if (!this.lies('reserves without a row')) await this.options.store?.checkout(row)
    reservation.isBusy = false
    return this.lies('answers without a code') ? granted('reserved') : granted(row.code)
  }

  async purchase(code: string): Promise<FakeAnswer> {
    const found = this.reservations.get(code)
    if (found === undefined) return refusal('unknown_code')
    if (found.isBusy) return refusal('storage_unavailable', 503)
    if (found.isKept) return refusal('reservation_expired')
    if (found.state === 'purchased') {
      return this.lies('buys twice with one code') ? granted('') : refusal('already_purchased')
    }
    if (found.state === 'cancelled' && !this.lies('resurrects a cancelled reservation')) {
      return refusal('unknown_code')
    }
    this.expire(found)
    if (found.state === 'expired' && !this.lies('buys after expiry')) {
      return refusal('reservation_expired')
    }
    if (this.lies('refuses a living reservation')) return refusal('reservation_expired')
    if (this.lies('calls purchased what is not')) return refusal('already_purchased')
    found.isBusy = true
    const slot = this.slots[found.itemId]
    if (slot?.held === found) slot.isSold = true
    await this.writePurchase(found)
    found.state = 'purchased'
    found.isBusy = false
    if (!this.lies('keeps the money of a 503')) return granted('')
    found.isKept = true
    return refusal('storage_unavailable', 503)
  }

  async cancel(code: string): Promise<FakeAnswer> {
    const found = this.reservations.get(code)
    if (found === undefined || found.state === 'cancelled') return refusal('unknown_code')
    if (found.isBusy) return refusal('reservation_busy')
    if (found.state === 'purchased') return refusal('already_purchased')
    this.expire(found)
    if (found.state === 'expired') return refusal('reservation_expired')
    found.isBusy = true
    if (!this.lies('forgets a cancel')) await this.options.store?.cancel(code)
    found.isBusy = false
    found.state = 'cancelled'
    this.uncount(found)
    const slot = this.slots[found.itemId]
    if (slot?.held === found) slot.held = undefined
    return { status: 204, body: '', reason: '' }
  }

  read(code: string): FakeAnswer {
    const found = this.reservations.get(code)
    if (found === undefined) return refusal('not_found', 404)
    if (!found.isBusy) this.expire(found)
    const { saleId, itemId } = found
    const userId = this.lies('shows another user') ? '999' : found.userId
    const isHidden =
      found.state === 'purchased' && this.lies('shows a bought reservation as reserved')
    const state = isHidden ? 'reserved' : found.state
    const expiresAt = new Date(found.expiresAtMs).toISOString()
    return granted(JSON.stringify({ code, state, saleId, itemId, userId, expiresAt }))
  }

  private lieAboutItem(slot: Slot): string | undefined {
    const isFree = !slot.isSold && !this.isHeld(slot)
    if (isFree && this.lies('refuses what is free')) return 'item_reserved'
    if (!slot.isSold && this.lies('says sold what is not')) return 'item_sold'
    if (isFree && this.lies('refuses below the limit')) return 'user_limit_reached'
    if (this.options.defect !== 'says sold out too early') return undefined
    return this.soldCount >= this.slots.length * 0.8 ? 'sold_out' : undefined
  }

  private async writePurchase({ saleId, itemId, userId, code }: Reservation): Promise<void> {
    const { store } = this.options
    if (!this.lies('loses a purchase')) {
      await store?.purchase({
        saleId: this.lies('crosses a sale') ? saleId + 3_600 : saleId,
        itemId,
        userId: this.lies('writes another user') ? '999' : userId,
        code,
      })
    }
    if (!this.lies('sells what nobody asked for')) return
    await store?.purchase({ saleId, itemId, userId, code: this.newCode() })
  }

  private isHeld({ held }: Slot): boolean {
    if (held === undefined || held.state === 'cancelled') return false
    if (held.state === 'purchased' || held.isBusy) return true
    const lateMs = this.options.defect === 'expires late' ? 300 : 0
    return held.expiresAtMs + lateMs > Date.now()
  }

  /**
   * Ends the reservations whose time has come: they live equally long, so the oldest are first. One
   * that is busy stays for a later turn, and keeps none behind it.
   */
  private sweep(): void {
    const nowMs = Date.now()
    const end = this.living.findIndex(({ expiresAtMs }) => expiresAtMs > nowMs)
    const due = this.living.splice(0, end === -1 ? this.living.length : end)
    for (const one of due) if (!one.isBusy) this.expire(one)
    this.living.unshift(...due.filter(({ isBusy }) => isBusy))
  }

  private expire(held: Reservation): void {
    if (held.state !== 'reserved' || held.expiresAtMs > Date.now()) return
    held.state = 'expired'
    this.uncount(held)
  }

  private uncount({ userId, saleId }: Reservation): void {
    if (saleId === this.saleId) this.counts.set(userId, (this.counts.get(userId) ?? 1) - 1)
  }

  private newCode(): string {
    if (this.lastCode !== '' && this.lies('gives one code twice')) return this.lastCode
    const isOld = this.rotatedCount > 0 && this.lies('reopens an old sale')
    const saleId = isOld ? this.saleId - 3_600 : this.saleId
    this.lastCode = saleId.toString(16).padStart(8, '0') + randomUUID().slice(8)
    return this.lastCode
  }

  private lies(defect: Defect): boolean {
    return this.options.defect === defect && ++this.lieCount % this.options.lieEvery === 0
  }

  private emptySlots(): Slot[] {
    return Array.from({ length: this.options.items }, () => ({ held: undefined, isSold: false }))
  }
}

function granted(body: string): FakeAnswer {
  return { status: 200, body, reason: '' }
}

export function refusal(reason: string, status = 409): FakeAnswer {
  return { status, body: '', reason }
}
