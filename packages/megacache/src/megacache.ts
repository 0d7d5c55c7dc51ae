import { addWord, casWord, loadWord, readWord, storeWord, type Words } from './atomic-words.ts'
import { audit } from './audit.ts'
import { CheckoutCodeReader, type CheckoutCodeWords, codeWord1, codeWord2, CODE_LENGTH } from './checkout-code.ts'
import { Inventory } from './inventory.ts'
import { fillGrid, type Item, itemStateOf } from './item.ts'
import { CONTROL } from './layout.ts'
import { MegacacheError, shownValue } from './megacache-error.ts'
import { PendingCancel, PendingCheckout, PendingPurchase } from './pending.ts'
import { MALFORMED_CODE, type Refusal, SALE_CLOSED, UNKNOWN_CODE, USER_LIMIT_REACHED } from './refusal.ts'
import { type Reservation, type ReservationInfo, reservationOf, reservationStateOf } from './reservation.ts'
import { restore, type RestoreResult, type RestoreRows, snapshot, type Snapshot } from './restore.ts'
import { createMemory, type MegacacheOptions, openMemory, type SaleHandle, type SaleMemory } from './sale-handle.ts'
import { type SaleTime, WallTime } from './sale-time.ts'
import { emptyContent, type SlotContent } from './slot-payload.ts'
import { BUYING, CANCELLING, payloadGeneration } from './slot-word.ts'
import { type Stats, statsOf } from './stats.ts'
import { StuckCheck, type StuckItem } from './stuck.ts'
import { type UserId, UserIdReader, userIdOf } from './user-id.ts'

export interface Accepted {
  readonly ok: true
  readonly reservation: Reservation
}

/** What one user has. Expired reservations count until they are swept. */
export interface User {
  readonly userId: bigint
  readonly reserved: number
  readonly purchased: number
  readonly limit: number
}

/**
 * A user at the limit may only be so because of reservations that have run out; look for them at most this often. A look that
 * finds nothing takes some 0.03 ms with a million items (ADR 15), so that even then refusals cost what they always do.
 */
const LIMIT_SWEEP_INTERVAL_MS = 5

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
  readonly #wallTime: WallTime
  readonly #stuck: StuckCheck
  readonly #user = new UserIdReader()
  readonly #code = new CheckoutCodeReader()
  /** The slot that the call in progress works on. */
  readonly #slot: SlotContent = emptyContent()
  /** The monotonic clock as the call in progress has read it. */
  #nowMs = 0
  #sweepCursor = 0

  private constructor({ handle, words, layout, time }: SaleMemory) {
    this.saleId = handle.saleId
    this.items = handle.items
    this.userLimit = handle.userLimit
    this.reservationTtlMs = handle.reservationTtlMs
    this.handle = handle
    this.#words = words
    this.#time = time
    this.#wallTime = new WallTime(time)
    this.#inventory = new Inventory(words, layout, addWord(words, CONTROL.threads, 1) >>> 0)
    this.#stuck = new StuckCheck(this.#inventory)
  }

  /** Makes a new sale with all items available. Throws `invalid_options`. */
  static create(options: MegacacheOptions): Megacache {
    return new Megacache(createMemory(options))
  }

  /** Opens a sale that another thread created. Throws `incompatible_handle`. */
  static attach(handle: SaleHandle, options: { readonly clock?: SaleTime } = {}): Megacache {
    return new Megacache(openMemory(handle, options.clock))
  }

  /**
   * Reserves an item for `reservationTtlMs`. For those who need no database: one step.
   * Throws `invalid_user_id` and `invalid_item_id`.
   */
  checkout(userId: UserId, itemId: number): Accepted | Refusal {
    const refusal = this.#hold(userId, itemId)
    if (refusal !== undefined) return refusal
    this.#inventory.confirmHold(itemId, this.#slot.word)
    // From what this call has written, not from the slot: it may have expired and be another user's by now.
    return this.#accepted(itemId)
  }

  /** Buys the item that the code reserves. For those who need no database: one step. */
  purchase(code: string | CheckoutCodeWords): Accepted | Refusal {
    const refusal = this.#take(code, BUYING)
    if (refusal !== undefined) return refusal
    const itemId = this.#code.slot
    this.#inventory.confirmPurchase(itemId, this.#slot.word)
    return this.#accepted(itemId, code)
  }

  /** Ends a reservation, whoever holds the slot now: only the code's own reservation is touched. One step. */
  cancel(code: string | CheckoutCodeWords): Accepted | Refusal {
    const refusal = this.#take(code, CANCELLING)
    if (refusal !== undefined) return refusal
    const itemId = this.#code.slot
    this.#inventory.confirmCancel(itemId, this.#slot.word)
    return this.#accepted(itemId, code)
  }

  /**
   * First phase of a reservation: takes the item; `confirm` it once the reservation is durable.
   * Throws `invalid_user_id` and `invalid_item_id`.
   */
  tryCheckout(userId: UserId, itemId: number): PendingCheckout | Refusal {
    return this.#hold(userId, itemId) ??
      new PendingCheckout(this.#inventory, this.#time, this.saleId, itemId, this.#slot)
  }

  /** First phase of a purchase: stops expiry; `confirm` it once the purchase is durable. */
  tryPurchase(code: string | CheckoutCodeWords): PendingPurchase | Refusal {
    return this.#take(code, BUYING) ??
      new PendingPurchase(this.#inventory, this.#time, this.saleId, this.#code.slot, this.#slot)
  }

  /** First phase of a cancellation: stops purchases; `confirm` it once the cancellation is durable. */
  tryCancel(code: string | CheckoutCodeWords): PendingCancel | Refusal {
    return this.#take(code, CANCELLING) ??
      new PendingCancel(this.#inventory, this.#time, this.saleId, this.#code.slot, this.#slot)
  }

  /**
   * What has become of a code. `unknown_code` when it was never given, was cancelled, or its item has been reserved
   * again since it expired. Refusals of this question are not counted in `stats`.
   */
  reservation(code: string | CheckoutCodeWords): ReservationInfo | Refusal {
    if (!this.#readCode(code)) return MALFORMED_CODE
    if (!this.#isCodeOfSale()) return UNKNOWN_CODE
    const itemId = this.#code.slot
    this.#inventory.read(itemId, this.#slot)
    this.#nowMs = this.#time.monotonicMs()
    const state = reservationStateOf(this.#slot, this.#code, this.#nowMs)
    return state === undefined ? UNKNOWN_CODE : { ok: true, state, ...this.#reservation(itemId, code) }
  }

  /** Throws `invalid_item_id`. An expired reservation leaves the item available. */
  item(itemId: number): Item {
    this.#checkItem(itemId)
    this.#inventory.read(itemId, this.#slot)
    return { itemId, state: itemStateOf(this.#slot, this.#time.monotonicMs()) }
  }

  /** Throws `invalid_user_id`. A user never seen has nothing. */
  user(userId: UserId): User {
    this.#user.read(userId)
    const { low, high } = this.#user
    const counts = { count: 0, purchased: 0 }
    this.#inventory.limit.read(low, high, counts)
    const { count, purchased } = counts
    return { userId: userIdOf(low, high), reserved: Math.max(0, count - purchased), purchased, limit: this.userLimit }
  }

  /** Counts over all threads, in time that depends on the number of threads only. */
  stats(): Stats {
    return statsOf(this.#inventory, this.isClosed)
  }

  /**
   * The state of every item, one byte each, coded as in `GRID`. Writes into the given array if there is one.
   * Expired reservations show as reserved until they are swept. Throws `invalid_options` when the array is too short.
   */
  grid(into: Uint8Array = new Uint8Array(this.items)): Uint8Array {
    return fillGrid(this.#inventory, into)
  }

  /**
   * Releases reservations that have run out: all of them, or of `max` items from where the last call with a `max` on
   * this thread ended. Returns how many it released. Without it an item is released by the next checkout
   * that wants it. All of them takes less time than it seems: only where something is due are items looked at.
   */
  sweep(max: number = this.items): number {
    const nowMs = this.#time.monotonicMs()
    if (max >= this.items) return this.#inventory.releaseDue(nowMs)
    let released = 0
    for (let looked = max; looked > 0; looked--) {
      if (this.#inventory.releaseExpired(this.#sweepCursor, nowMs)) released++
      this.#sweepCursor = this.#sweepCursor + 1 === this.items ? 0 : this.#sweepCursor + 1
    }
    return released
  }

  /**
   * Puts back what a durable store knows, before the sale is served: this thread must have it to itself.
   * Idempotent. Throws `restore_conflict` when rows contradict each other or what is in memory; the sale is then
   * partly restored and must not be served.
   */
  restore(rows: RestoreRows): RestoreResult {
    return restore(this.#inventory, this.saleId, this.#time.monotonicMs(), this.reservationTtlMs, rows)
  }

  /**
   * All purchases and live reservations, in the form that `restore` takes. A pending purchase or cancellation is
   * still a reservation; a pending checkout is none yet. Exact while nothing changes.
   */
  snapshot(): Snapshot {
    return snapshot(this.#inventory, this.saleId, this.#time.monotonicMs())
  }

  /**
   * Compares every slot with every user's count and lists what does not fit; an empty list is health.
   * Exact only at rest: call it while no other thread changes the sale. Takes milliseconds.
   */
  audit(): string[] {
    return audit(this.#inventory)
  }

  /**
   * Items that a terminated thread has left half reserved or half released, seen so by calls of this
   * instance for `olderThanMs` or longer. Call it periodically on one thread, while the sale is in use; more
   * than an empty list means that the process should stop and restore the sale from what is durable.
   */
  stuck(olderThanMs = 1000): StuckItem[] {
    return this.#stuck.find(this.#time.monotonicMs(), olderThanMs)
  }

  /**
   * No more reservations, on any thread; codes already given keep working until they expire. Idempotent.
   * A checkout that another thread began before may still succeed.
   */
  close(): void {
    storeWord(this.#words, CONTROL.closed, 1)
  }

  get isClosed(): boolean {
    return loadWord(this.#words, CONTROL.closed) !== 0
  }

  /** Leaves the slot in `#slot`, HOLDING. */
  #hold(userId: UserId, itemId: number): Refusal | undefined {
    this.#checkItem(itemId)
    this.#user.read(userId)
    const inventory = this.#inventory
    // Closed and sold are final: a plain read of them is never wrong, and refusing is what a sale does most.
    if (readWord(this.#words, CONTROL.closed) !== 0) return inventory.tally.refused(SALE_CLOSED)
    if (inventory.isSold(itemId)) return inventory.tally.refused(inventory.soldRefusal())
    const slot = this.#slot
    this.#nowMs = this.#time.monotonicMs()
    slot.userLow = this.#user.low
    slot.userHigh = this.#user.high
    slot.expiresMs = Math.ceil(this.#nowMs + this.reservationTtlMs)
    let refusal = inventory.hold(itemId, this.#nowMs, slot)
    if (refusal === USER_LIMIT_REACHED && this.#sweepForUser()) refusal = inventory.hold(itemId, this.#nowMs, slot)
    return refusal === undefined ? undefined : inventory.tally.refused(refusal)
  }

  /** Leaves the slot in `#slot`, in the state `next`. */
  #take(code: string | CheckoutCodeWords, next: typeof BUYING | typeof CANCELLING): Refusal | undefined {
    const tally = this.#inventory.tally
    if (!this.#readCode(code)) return tally.refused(MALFORMED_CODE)
    if (!this.#isCodeOfSale()) return tally.refused(UNKNOWN_CODE)
    this.#nowMs = this.#time.monotonicMs()
    const refusal = this.#inventory.take(this.#code, next, this.#nowMs, this.#slot)
    return refusal === undefined ? undefined : tally.refused(refusal)
  }

  /**
   * Sweeps everything, if no thread did so in the last 5 ms; says whether it released anything. This keeps
   * the limit exact within 25 ms even where nobody calls `sweep`: the rest is for what the other thread's sweep may take.
   */
  #sweepForUser(): boolean {
    const nowMs = Math.floor(this.#nowMs)
    const due = loadWord(this.#words, CONTROL.nextSweep)
    // The word holds the low 32 bits of a time, so only the difference means something.
    const aheadMs = (due - nowMs) | 0
    if (aheadMs > 0 && aheadMs <= LIMIT_SWEEP_INTERVAL_MS) return false
    return casWord(this.#words, CONTROL.nextSweep, due, (nowMs + LIMIT_SWEEP_INTERVAL_MS) | 0) && this.sweep() > 0
  }

  #readCode(code: string | CheckoutCodeWords): boolean {
    if (typeof code === 'string') return code.length === CODE_LENGTH && this.#code.read(code)
    if (typeof code !== 'object' || code === null) return false
    this.#code.set(code)
    return true
  }

  #isCodeOfSale(): boolean {
    const code = this.#code
    return code.saleId === this.saleId && code.isOurs && code.slot < this.items
  }

  #checkItem(itemId: number): void {
    if (Number.isInteger(itemId) && itemId >= 0 && itemId < this.items) return
    throw new MegacacheError('invalid_item_id', `item id ${shownValue(itemId)} is not an integer from 0 to ${this.items - 1}`)
  }

  /** `code` as the caller gave it, if the caller did. */
  #accepted(itemId: number, code?: string | CheckoutCodeWords): Accepted {
    return { ok: true, reservation: this.#reservation(itemId, code) }
  }

  #reservation(itemId: number, given?: string | CheckoutCodeWords): Reservation {
    const { word, random0, random1, userLow, userHigh, expiresMs } = this.#slot
    const code = {
      word0: this.saleId | 0,
      word1: codeWord1(itemId, payloadGeneration(word), random0),
      word2: codeWord2(random0),
      word3: random1,
    }
    const expiresAt = this.#wallTime.unixMsOf(expiresMs, this.#nowMs)
    return reservationOf(code, itemId, userLow, userHigh, expiresAt, typeof given === 'string' ? given.toLowerCase() : undefined)
  }
}
