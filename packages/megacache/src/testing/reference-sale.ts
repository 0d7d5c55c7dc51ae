import type { CheckoutCodeWords } from '../checkout-code.ts'
import { GRID, type Item } from '../item.ts'
import type { Accepted, User } from '../megacache.ts'
import { MegacacheError, shownValue } from '../megacache-error.ts'
import { MALFORMED_CODE, REFUSAL_REASONS, REFUSALS, type Refusal, type RefusalReason, UNKNOWN_CODE } from '../refusal.ts'
import type { Reservation, ReservationInfo, ReservationState } from '../reservation.ts'
import type { RestoreResult, RestoreRows, Snapshot } from '../restore.ts'
import type { MegacacheOptions } from '../sale-handle.ts'
import { type SaleTime, systemTime } from '../sale-time.ts'
import type { Stats } from '../stats.ts'
import type { UserId } from '../user-id.ts'
import { codeIn, newCode, userIn } from './reference-values.ts'
import { ReferencePending, ReferencePendingPurchase } from './reference-pending.ts'
import { restoreReference, snapshotOfReference } from './reference-restore.ts'

/** What one item of the model is. `code` outlives the reservation until another takes its place. */
export interface ReferenceItem {
  readonly itemId: number
  state: 'free' | 'holding' | 'held' | 'buying' | 'cancelling' | 'sold'
  code: string | undefined
  userId: bigint | undefined
  expiresMs: number
}

const LIMIT_SWEEP_INTERVAL_MS = 5

/**
 * What `Megacache` must do, written as plainly as possible: one thread, objects and arrays, no shared memory, no
 * speed. The oracle of the property tests, and a stand-in with the same verbs, refusals and precedence. Its
 * codes are its own: they look like those of the engine but are worth nothing to another sale.
 */
export class ReferenceSale {
  readonly saleId: number
  readonly items: number
  readonly userLimit: number
  readonly reservationTtlMs: number
  readonly slots: readonly ReferenceItem[]
  readonly clock: SaleTime
  readonly counts: { reservations: number; expired: number; rolledBack: number; cancelled: number } =
    { reservations: 0, expired: 0, rolledBack: 0, cancelled: 0 }
  readonly #refusals = new Map<RefusalReason, number>(REFUSAL_REASONS.map((reason) => [reason, 0]))
  #isClosed = false
  #sweepCursor = 0
  #nextLimitSweepMs = 0

  constructor({ items, userLimit, reservationTtlMs, saleId = 0, clock = systemTime }: MegacacheOptions) {
    this.saleId = saleId
    this.items = items
    this.userLimit = userLimit
    this.reservationTtlMs = reservationTtlMs
    this.clock = clock
    this.slots = Array.from({ length: items }, (_, itemId): ReferenceItem =>
      ({ itemId, state: 'free', code: undefined, userId: undefined, expiresMs: 0 }))
  }

  checkout(userId: UserId, itemId: number): Accepted | Refusal {
    const pending = this.tryCheckout(userId, itemId)
    if (!pending.ok) return pending
    pending.confirm()
    return { ok: true, reservation: pending.reservation }
  }

  purchase(code: string | CheckoutCodeWords): Accepted | Refusal {
    const pending = this.tryPurchase(code)
    if (!pending.ok) return pending
    pending.confirm()
    return { ok: true, reservation: pending.reservation }
  }

  cancel(code: string | CheckoutCodeWords): Accepted | Refusal {
    const pending = this.tryCancel(code)
    if (!pending.ok) return pending
    const { reservation } = pending
    pending.confirm()
    return { ok: true, reservation }
  }

  tryCheckout(userId: UserId, itemId: number): ReferencePending | Refusal {
    const slot = this.#slotOf(itemId)
    const user = userIn(userId)
    const nowMs = this.clock.monotonicMs()
    let reason = this.#whyNotCheckout(slot, user, nowMs)
    if (reason === 'user_limit_reached' && this.#sweepForUser(nowMs)) reason = this.#whyNotCheckout(slot, user, nowMs)
    if (reason !== undefined) return this.#refuse(reason)
    slot.state = 'holding'
    slot.code = newCode(this.saleId, itemId)
    slot.userId = user
    slot.expiresMs = Math.ceil(nowMs + this.reservationTtlMs)
    this.counts.reservations++
    return new ReferencePending(this, slot, () => { slot.state = 'held' }, () => {
      this.free(slot)
      slot.code = undefined
      this.counts.reservations--
      this.counts.rolledBack++
    })
  }

  tryPurchase(code: string | CheckoutCodeWords): ReferencePendingPurchase | Refusal {
    const slot = this.#take(code)
    if ('reason' in slot) return slot
    slot.state = 'buying'
    return new ReferencePendingPurchase(this, slot, () => { slot.state = 'sold' }, () => {
      if (this.isExpired(slot)) {
        this.free(slot)
        this.counts.expired++
      } else slot.state = 'held'
    })
  }

  tryCancel(code: string | CheckoutCodeWords): ReferencePending | Refusal {
    const slot = this.#take(code)
    if ('reason' in slot) return slot
    slot.state = 'cancelling'
    return new ReferencePending(this, slot, () => {
      this.free(slot)
      slot.code = undefined
      this.counts.cancelled++
    }, () => { slot.state = 'held' })
  }

  reservation(code: string | CheckoutCodeWords): ReservationInfo | Refusal {
    const text = codeIn(code)
    if (text === undefined) return MALFORMED_CODE
    const slot = this.slots.find((other) => other.code === text)
    if (slot === undefined || slot.state === 'holding') return UNKNOWN_CODE
    return { ok: true, state: this.#reservationState(slot), ...this.reservationOf(slot) }
  }

  item(itemId: number): Item {
    const slot = this.#slotOf(itemId)
    if (slot.state === 'sold') return { itemId, state: 'sold' }
    const isFree = slot.state === 'free' || (slot.state === 'held' && this.isExpired(slot))
    return { itemId, state: isFree ? 'available' : 'reserved' }
  }

  user(userId: UserId): User {
    const user = userIn(userId)
    const purchased = this.slots.filter((slot) => slot.userId === user && slot.state === 'sold').length
    return { userId: user, reserved: this.countOf(user) - purchased, purchased, limit: this.userLimit }
  }

  stats(): Stats {
    const sold = this.slots.filter((slot) => slot.state === 'sold').length
    const available = this.slots.filter((slot) => slot.state === 'free').length
    const refusals = Object.fromEntries(this.#refusals) as Record<RefusalReason, number>
    return {
      items: this.items, available, reserved: this.items - available - sold, sold, isClosed: this.#isClosed,
      totals: { ...this.counts, refusals },
    }
  }

  grid(): Uint8Array {
    return Uint8Array.from(this.slots, ({ state }) =>
      state === 'free' ? GRID.available : state === 'sold' ? GRID.sold : GRID.reserved)
  }

  sweep(max: number = this.items): number {
    let released = 0
    for (let looked = 0; looked < Math.min(max, this.items); looked++) {
      if (this.#releaseIfExpired(this.slots[this.#sweepCursor]!)) released++
      this.#sweepCursor = (this.#sweepCursor + 1) % this.items
    }
    return released
  }

  restore(rows: RestoreRows): RestoreResult {
    return restoreReference(this, rows)
  }

  snapshot(): Snapshot {
    return snapshotOfReference(this)
  }

  /** The model keeps no second account of anything, so nothing can disagree. */
  audit(): string[] {
    return []
  }

  close(): void {
    this.#isClosed = true
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Items that count towards the user's limit. */
  countOf(user: bigint): number {
    return this.slots.filter((slot) => slot.userId === user && slot.state !== 'free').length
  }

  isExpired(slot: ReferenceItem): boolean {
    return this.clock.monotonicMs() >= slot.expiresMs
  }

  free(slot: ReferenceItem): void {
    slot.state = 'free'
  }

  reservationOf({ code, itemId, userId, expiresMs }: ReferenceItem): Reservation {
    const expiresAt = Math.round(expiresMs + (this.clock.wallMs() - this.clock.monotonicMs()))
    return { code: code!, saleId: this.saleId, itemId, userId: userId!, expiresAt }
  }

  #whyNotCheckout(slot: ReferenceItem, user: bigint, nowMs: number): RefusalReason | undefined {
    if (this.#isClosed) return 'sale_closed'
    if (slot.state === 'sold') return this.slots.every(({ state }) => state === 'sold') ? 'sold_out' : 'item_sold'
    if (slot.state === 'held' && nowMs >= slot.expiresMs) this.#releaseIfExpired(slot)
    if (slot.state !== 'free') return 'item_reserved'
    return this.countOf(user) >= this.userLimit ? 'user_limit_reached' : undefined
  }

  /** A whole sweep, unless there was one less than the interval ago; says whether it released anything. */
  #sweepForUser(nowMs: number): boolean {
    const now = Math.floor(nowMs)
    if (now < this.#nextLimitSweepMs) return false
    this.#nextLimitSweepMs = now + LIMIT_SWEEP_INTERVAL_MS
    return this.sweep() > 0
  }

  #take(code: string | CheckoutCodeWords): ReferenceItem | Refusal {
    const text = codeIn(code)
    if (text === undefined) return this.#refuse('malformed_code')
    const slot = this.slots.find((other) => other.code === text)
    if (slot === undefined || slot.state === 'holding') return this.#refuse('unknown_code')
    if (slot.state === 'sold') return this.#refuse('already_purchased')
    if (slot.state === 'buying') return this.#refuse('purchase_pending')
    if (slot.state === 'cancelling') return this.#refuse('cancel_pending')
    if (slot.state === 'free' || this.isExpired(slot)) return this.#refuse('reservation_expired')
    return slot
  }

  #reservationState(slot: ReferenceItem): ReservationState {
    if (slot.state === 'sold') return 'purchased'
    if (slot.state === 'buying') return 'purchasing'
    if (slot.state === 'cancelling') return 'cancelling'
    return slot.state === 'free' || this.isExpired(slot) ? 'expired' : 'reserved'
  }

  #releaseIfExpired(slot: ReferenceItem): boolean {
    if (slot.state !== 'held' || !this.isExpired(slot)) return false
    this.free(slot)
    this.counts.expired++
    return true
  }

  #refuse(reason: RefusalReason): Refusal {
    this.#refusals.set(reason, this.#refusals.get(reason)! + 1)
    return REFUSALS[reason]
  }

  #slotOf(itemId: number): ReferenceItem {
    const slot = Number.isInteger(itemId) ? this.slots[itemId] : undefined
    if (slot !== undefined) return slot
    throw new MegacacheError('invalid_item_id', `item id ${shownValue(itemId)} is not an integer from 0 to ${this.items - 1}`)
  }
}
