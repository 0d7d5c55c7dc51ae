import { addWord, casWord, loadWord, storeWord, type Words } from './atomic-words.ts'
import { audit } from './audit.ts'
import {
  CheckoutCodeReader, type CheckoutCodeWords, codeWord1, codeWord2, CODE_LENGTH, tenureOf,
} from './checkout-code.ts'
import { Inventory, type SlotContent } from './inventory.ts'
import { CONTROL } from './layout.ts'
import { MegacacheError } from './megacache-error.ts'
import { PendingCancel, PendingCheckout, PendingPurchase } from './pending.ts'
import { MALFORMED_CODE, type Refusal, type RefusalReason, SALE_CLOSED, UNKNOWN_CODE, USER_LIMIT_REACHED } from './refusal.ts'
import { type Reservation, reservationOf } from './reservation.ts'
import { restore, type RestoreRows, type RestoreResult, snapshot, type Snapshot } from './restore.ts'
import { createMemory, type MegacacheOptions, openMemory, type SaleHandle, type SaleMemory } from './sale-handle.ts'
import type { SaleTime } from './sale-time.ts'
import { BUYING, CANCELLING, FREE, generationOf, HELD, HOLDING, SOLD, stateOf } from './slot-word.ts'
import { CANCELLED, EXPIRED, RESERVED, ROLLED_BACK } from './tally.ts'
import { type UserId, UserIdReader, userIdOf } from './user-id.ts'

export interface Accepted {
  readonly ok: true
  readonly reservation: Reservation
}

/** `available`: can be reserved. `reserved`: somebody has it, for now. `sold`: for ever. */
export type ItemState = 'available' | 'reserved' | 'sold'

export interface Item {
  readonly itemId: number
  readonly state: ItemState
}

/** `reserved` can be purchased or cancelled until `expiresAt`; `purchasing` and `cancelling` are being made durable. */
export type ReservationState = 'reserved' | 'purchasing' | 'cancelling' | 'purchased' | 'expired'

export interface ReservationInfo extends Reservation {
  readonly ok: true
  readonly state: ReservationState
}

export interface User {
  readonly userId: bigint
  readonly reserved: number
  readonly purchased: number
  readonly limit: number
}

export interface Stats {
  readonly items: number
  readonly available: number
  /** Items neither available nor sold. Expired reservations count until they are swept. */
  readonly reserved: number
  readonly sold: number
  readonly isClosed: boolean
  /** Since the sale was created: how often each thing happened, over all threads. */
  readonly totals: {
    readonly reservations: number
    readonly expired: number
    readonly rolledBack: number
    readonly cancelled: number
    readonly refusals: Readonly<Record<RefusalReason, number>>
  }
}

/** Codes of `grid`: what an item looks like from outside. */
export const GRID: Readonly<Record<ItemState, number>> = Object.freeze({ available: 0, reserved: 1, sold: 2 })

/**
 * A user at the limit may only be so because of reservations that have run out; look for them at most this
 * often for each 100,000 items, which takes about 1 ms of a thread.
 */
const LIMIT_SWEEP_INTERVAL_MS = 25
const LIMIT_SWEEP_ITEMS = 100_000

/**
 * The inventory of one sale, in memory shared by the threads of a process.
 *
 * `create` makes it on one thread; every other thread gets its own `Megacache` on the same memory by `attach`.
 * All verbs may be called on any of these threads at any time, except `restore`, which needs the sale to itself.
 * Nothing here blocks or waits. A caller's mistake throws a `MegacacheError`; an expected "no" is returned.
 */
export class Megacache {
  readonly saleId: number
  readonly items: number
  readonly userLimit: number
  readonly reservationTtlMs: number
  /** Give this to another thread, which calls `Megacache.attach` with it. */
  readonly handle: SaleHandle
  readonly #words: Words
  readonly #inventory: Inventory
  readonly #time: SaleTime
  readonly #user = new UserIdReader()
  readonly #code = new CheckoutCodeReader()
  readonly #slot: SlotContent = { word: 0, random0: 0, random1: 0, userLow: 0, userHigh: 0, expiresMs: 0 }
  #sweepCursor = 0

  private constructor({ handle, words, layout, time }: SaleMemory) {
    this.saleId = handle.saleId
    this.items = handle.items
    this.userLimit = handle.userLimit
    this.reservationTtlMs = handle.reservationTtlMs
    this.handle = handle
    this.#words = words
    this.#time = time
    this.#inventory = new Inventory(words, layout, addWord(words, CONTROL.threads, 1), time)
  }

  /** Makes a new sale with all items available. Throws `invalid_options`. */
  static create(options: MegacacheOptions): Megacache {
    return new Megacache(createMemory(options))
  }

  /** Opens a sale that another thread created. Throws `incompatible_handle`. */
  static attach(handle: SaleHandle, options: { readonly clock?: SaleTime } = {}): Megacache {
    return new Megacache(openMemory(handle, options.clock))
  }

  /** Reserves an item for `reservationTtlMs`. For those who need no database: one step. */
  checkout(userId: UserId, itemId: number): Accepted | Refusal {
    const holding = this.#hold(userId, itemId)
    if (typeof holding !== 'number') return holding
    this.#inventory.confirmHold(itemId, holding)
    return { ok: true, reservation: this.#reservationAt(itemId) }
  }

  /** Buys the item that the code reserves. For those who need no database: one step. */
  purchase(code: string | CheckoutCodeWords): Accepted | Refusal {
    const buying = this.#take(code, BUYING)
    if (typeof buying !== 'number') return buying
    const itemId = this.#code.slot
    this.#inventory.confirmPurchase(itemId, buying)
    return { ok: true, reservation: this.#reservationAt(itemId) }
  }

  /** Ends a reservation, whoever holds the slot now: only the code's own reservation is touched. One step. */
  cancel(code: string | CheckoutCodeWords): Accepted | Refusal {
    const cancelling = this.#take(code, CANCELLING)
    if (typeof cancelling !== 'number') return cancelling
    const itemId = this.#code.slot
    const reservation = this.#reservationAt(itemId)
    this.#inventory.confirmCancel(itemId, cancelling)
    return { ok: true, reservation }
  }

  /** First phase of a reservation: takes the item; `confirm` it once the reservation is durable. */
  tryCheckout(userId: UserId, itemId: number): PendingCheckout | Refusal {
    const holding = this.#hold(userId, itemId)
    if (typeof holding !== 'number') return holding
    return new PendingCheckout(this.#inventory, this.#time, this.saleId, itemId, this.#contentOf(itemId))
  }

  /** First phase of a purchase: stops expiry; `confirm` it once the purchase is durable. */
  tryPurchase(code: string | CheckoutCodeWords): PendingPurchase | Refusal {
    const buying = this.#take(code, BUYING)
    if (typeof buying !== 'number') return buying
    const itemId = this.#code.slot
    return new PendingPurchase(this.#inventory, this.#time, this.saleId, itemId, this.#contentOf(itemId))
  }

  /** First phase of a cancellation: stops purchases; `confirm` it once the cancellation is durable. */
  tryCancel(code: string | CheckoutCodeWords): PendingCancel | Refusal {
    const cancelling = this.#take(code, CANCELLING)
    if (typeof cancelling !== 'number') return cancelling
    const itemId = this.#code.slot
    return new PendingCancel(this.#inventory, this.#time, this.saleId, itemId, this.#contentOf(itemId))
  }

  /** What has become of a code. `unknown_code` also when its item has been reserved again since it expired. */
  reservation(code: string | CheckoutCodeWords): ReservationInfo | Refusal {
    if (!this.#readCode(code)) return MALFORMED_CODE
    if (!this.#isCodeOfSale()) return UNKNOWN_CODE
    const itemId = this.#code.slot
    const content = this.#contentOf(itemId)
    if (content.random0 !== this.#code.random0 || content.random1 !== this.#code.random1) return UNKNOWN_CODE
    const state = this.#stateOfReservation(content)
    if (state === undefined) return UNKNOWN_CODE
    return { ok: true, state, ...this.#reservationOf(itemId, content, this.#code) }
  }

  /** Throws `invalid_item_id`. */
  item(itemId: number): Item {
    this.#checkItem(itemId)
    return { itemId, state: this.#stateOfItem(itemId) }
  }

  /** Throws `invalid_user_id`. Expired reservations count until they are swept. */
  user(userId: UserId): User {
    this.#user.read(userId)
    const { low, high } = this.#user
    const purchased = this.#inventory.limit.purchasedOf(low, high)
    const count = this.#inventory.limit.countOf(low, high)
    return { userId: userIdOf(low, high), reserved: Math.max(0, count - purchased), purchased, limit: this.userLimit }
  }

  /** Counts over all threads, in constant time. Exact while nothing changes, otherwise within what is in flight. */
  stats(): Stats {
    const tally = this.#inventory.tally
    const sold = this.#inventory.soldCount()
    const taken = Math.min(this.items, Math.max(sold, tally.taken()))
    return {
      items: this.items,
      available: this.items - taken,
      reserved: taken - sold,
      sold,
      isClosed: this.isClosed,
      totals: {
        reservations: tally.total(RESERVED),
        expired: tally.total(EXPIRED),
        rolledBack: tally.total(ROLLED_BACK),
        cancelled: tally.total(CANCELLED),
        refusals: tally.refusals(),
      },
    }
  }

  /** The state of every item, one byte each, coded as in `GRID`. Writes into the given array if there is one. */
  grid(into: Uint8Array = new Uint8Array(this.items)): Uint8Array {
    if (into.length < this.items) {
      throw new MegacacheError('invalid_options', `grid needs ${this.items} bytes, it was given ${into.length}`)
    }
    for (let slot = 0; slot < this.items; slot++) {
      const state = stateOf(this.#inventory.wordOf(slot))
      into[slot] = state === FREE ? GRID.available : state === SOLD ? GRID.sold : GRID.reserved
    }
    return into
  }

  /**
   * Releases reservations that have run out, looking at no more than `max` items from where the last call
   * on this thread ended. Returns how many it released. Without it an item is released by the next checkout
   * that wants it.
   */
  sweep(max: number = this.items): number {
    const nowMs = this.#time.monotonicMs()
    let released = 0
    for (let looked = Math.min(max, this.items); looked > 0; looked--) {
      if (this.#inventory.releaseExpired(this.#sweepCursor, nowMs)) released++
      this.#sweepCursor = this.#sweepCursor + 1 === this.items ? 0 : this.#sweepCursor + 1
    }
    return released
  }

  /**
   * Puts back what a durable store knows, before the sale is served: this thread must have it to itself.
   * Idempotent. Throws `restore_conflict` when rows contradict each other.
   */
  restore(rows: RestoreRows): RestoreResult {
    return restore(this.#inventory, this.saleId, this.#time, this.reservationTtlMs, rows)
  }

  /** All purchases and live reservations, in the form that `restore` takes. Exact while nothing changes. */
  snapshot(): Snapshot {
    return snapshot(this.#inventory, this.saleId, this.#time)
  }

  /**
   * Compares every slot with every user's count and lists what does not fit; an empty list is health.
   * Exact only at rest: call it while no other thread changes the sale.
   */
  audit(): string[] {
    return audit(this.#inventory)
  }

  /** No more reservations, on any thread; codes already given keep working until they expire. Idempotent. */
  close(): void {
    storeWord(this.#words, CONTROL.closed, 1)
  }

  get isClosed(): boolean {
    return loadWord(this.#words, CONTROL.closed) !== 0
  }

  #hold(userId: UserId, itemId: number): number | Refusal {
    this.#checkItem(itemId)
    this.#user.read(userId)
    const { low, high } = this.#user
    const inventory = this.#inventory
    if (this.isClosed) return inventory.tally.refused(SALE_CLOSED)
    let holding = inventory.hold(itemId, low, high, this.reservationTtlMs)
    if (holding === USER_LIMIT_REACHED && this.#sweepForUser()) {
      holding = inventory.hold(itemId, low, high, this.reservationTtlMs)
    }
    return typeof holding === 'number' ? holding : inventory.tally.refused(holding)
  }

  #take(code: string | CheckoutCodeWords, next: typeof BUYING | typeof CANCELLING): number | Refusal {
    const tally = this.#inventory.tally
    if (!this.#readCode(code)) return tally.refused(MALFORMED_CODE)
    if (!this.#isCodeOfSale()) return tally.refused(UNKNOWN_CODE)
    const taken = this.#inventory.take(this.#code, next)
    return typeof taken === 'number' ? taken : tally.refused(taken)
  }

  /**
   * Sweeps everything, if no thread did so in the last 25 ms; says whether it released anything. This keeps
   * the limit exact within that time even where nobody calls `sweep`.
   */
  #sweepForUser(): boolean {
    const nowMs = Math.floor(this.#time.monotonicMs())
    const due = loadWord(this.#words, CONTROL.nextSweep)
    const intervalMs = LIMIT_SWEEP_INTERVAL_MS * Math.ceil(this.items / LIMIT_SWEEP_ITEMS)
    // The word holds the low 32 bits of a time, so only the difference means something.
    const aheadMs = (due - nowMs) | 0
    if (aheadMs > 0 && aheadMs <= intervalMs) return false
    return casWord(this.#words, CONTROL.nextSweep, due, (nowMs + intervalMs) | 0) && this.sweep() > 0
  }

  #readCode(code: string | CheckoutCodeWords): boolean {
    if (typeof code === 'string') return code.length === CODE_LENGTH && this.#code.read(code)
    this.#code.set(code)
    return true
  }

  #isCodeOfSale(): boolean {
    const code = this.#code
    return code.saleId === this.saleId && code.isOurs && code.slot < this.items
  }

  #checkItem(itemId: number): void {
    if (Number.isInteger(itemId) && itemId >= 0 && itemId < this.items) return
    throw new MegacacheError('invalid_item_id', `item id ${String(itemId)} is not an integer from 0 to ${this.items - 1}`)
  }

  #contentOf(itemId: number): SlotContent {
    this.#inventory.read(itemId, this.#slot)
    return this.#slot
  }

  #reservationAt(itemId: number): Reservation {
    const content = this.#contentOf(itemId)
    return this.#reservationOf(itemId, content, {
      word0: this.saleId | 0,
      word1: codeWord1(itemId, generationOf(content.word), content.random0),
      word2: codeWord2(content.random0),
      word3: content.random1,
    })
  }

  #reservationOf(itemId: number, content: SlotContent, code: CheckoutCodeWords): Reservation {
    const remainingMs = content.expiresMs - this.#time.monotonicMs()
    return reservationOf(code, itemId, content.userLow, content.userHigh, Math.round(this.#time.wallMs() + remainingMs))
  }

  #stateOfItem(itemId: number): ItemState {
    const content = this.#contentOf(itemId)
    const state = stateOf(content.word)
    if (state === SOLD) return 'sold'
    if (state === FREE || (state === HELD && this.#time.monotonicMs() >= content.expiresMs)) return 'available'
    return 'reserved'
  }

  #stateOfReservation(content: SlotContent): ReservationState | undefined {
    switch (stateOf(content.word)) {
      case HELD:
        if (tenureOf(generationOf(content.word)) !== this.#code.tenure) return undefined
        return this.#time.monotonicMs() >= content.expiresMs ? 'expired' : 'reserved'
      case BUYING:
        return 'purchasing'
      case CANCELLING:
        return 'cancelling'
      case SOLD:
        return 'purchased'
      case HOLDING:
        return undefined
      default:
        return 'expired'
    }
  }
}
