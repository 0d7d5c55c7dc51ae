import { addWord, casWord, loadWord, storeWord, type Words } from './atomic-words.ts'
import { type CheckoutCodeReader, tenureOf } from './checkout-code.ts'
import { type Layout, SLOT, SLOT_WORDS, SOLD_COUNT } from './layout.ts'
import { MegacacheError } from './megacache-error.ts'
import { RandomWords } from './random-words.ts'
import {
  ALREADY_PURCHASED, CANCEL_PENDING, ITEM_RESERVED, ITEM_SOLD, PURCHASE_PENDING, type Refusal,
  RESERVATION_EXPIRED, SOLD_OUT, UNKNOWN_CODE, USER_LIMIT_REACHED,
} from './refusal.ts'
import type { SaleTime } from './sale-time.ts'
import {
  BUYING, CANCELLING, CLAIM, FREE, generationOf, HELD, HOLDING, nextTenure, packWord, RELEASING, SOLD, type SlotState,
  stateOf, withState,
} from './slot-word.ts'
import { CANCELLED, EXPIRED, RESERVED, ROLLED_BACK, Tally } from './tally.ts'
import { UserLimit } from './user-limit.ts'

/**
 * The slots of one sale: every item's state, and the only code that changes it.
 *
 * ```text
 *                    +-------- RELEASING <----------------------------------+
 *                    | store,    ^    ^ ^                                   |
 *                    | g + 1     |    | | cas: expired                      | cas
 *                    v           |    | |                                   |
 *   FREE g --cas--> CLAIM --store--> HOLDING --cas--> HELD --cas--> CANCELLING
 *          g + 1                 |                  ^ |   <--cas--
 *                                |             cas, | | cas: code equal,
 *                                |      not expired | v      not expired
 *                                +------cas----- BUYING --cas--> SOLD
 *                                     expired
 * ```
 *
 * Who may change a slot's word: in FREE and HELD any thread, by compare-and-swap from the word it has read;
 * in CLAIM, HOLDING, BUYING, CANCELLING and RELEASING only the thread that made that transition, which is why
 * a failed compare-and-swap there is a broken invariant and not a race. The payload is written in CLAIM only.
 *
 * Reading the payload of a slot that others may recycle is safe because every decision is confirmed by a
 * compare-and-swap on the word that was read before the payload: the generation in it proves that the payload
 * belongs to that tenure (INV-1).
 *
 * The user's count rises before the slot is taken and falls inside RELEASING, before the slot is free:
 * owned slots never exceed the count, and the count never exceeds the limit (INV-3).
 */
export class Inventory {
  readonly items: number
  readonly limit: UserLimit
  readonly tally: Tally
  readonly #words: Words
  readonly #slotsStart: number
  readonly #owner: number
  readonly #random = new RandomWords()
  readonly #time: SaleTime

  /** `owner` numbers the attached threads in the order of attaching. */
  constructor(words: Words, layout: Layout, owner: number, time: SaleTime) {
    this.items = layout.items
    this.limit = new UserLimit(words, layout)
    this.tally = new Tally(words, owner)
    this.#words = words
    this.#slotsStart = layout.slotsStart
    this.#owner = owner
    this.#time = time
  }

  /**
   * FREE g -> CLAIM g+1 -> HOLDING g+1: reserves the item, not yet durably. Returns the HOLDING word, or a refusal.
   *
   * Linearises at the compare-and-swap to CLAIM. Other writers of the word: other checkouts of this item, and
   * the sweep while it is HELD. Tries once: losing means that somebody else has the item.
   */
  hold(slot: number, low: number, high: number, ttlMs: number): number | Refusal {
    const words = this.#words
    const at = this.#at(slot)
    let word = loadWord(words, at)
    if (stateOf(word) !== FREE && stateOf(word) !== HELD) return this.#unavailable(word)
    const nowMs = this.#time.monotonicMs()
    if (stateOf(word) === HELD) {
      if (!this.#isExpired(at, nowMs) || !this.#expire(at, word)) return ITEM_RESERVED
      word = loadWord(words, at)
      if (stateOf(word) !== FREE) return this.#unavailable(word)
    }
    if (!this.limit.acquire(low, high)) return USER_LIMIT_REACHED
    const claimed = nextTenure(word, CLAIM)
    if (!casWord(words, at, word, claimed)) {
      this.limit.release(low, high)
      return this.#unavailable(loadWord(words, at))
    }
    this.tally.took()
    this.#writePayload(at, this.#random.take(), this.#random.take(), low, high, Math.ceil(nowMs + ttlMs))
    const holding = withState(claimed, HOLDING)
    storeWord(words, at, holding)
    return holding
  }

  /** HOLDING -> HELD: the row is durable, the code may be given away. */
  confirmHold(slot: number, holding: number): void {
    this.#own(slot, holding, HELD)
    this.tally.count(RESERVED)
  }

  /** HOLDING -> RELEASING -> FREE: the row will never be. */
  rollbackHold(slot: number, holding: number): void {
    this.#release(this.#at(slot), this.#own(slot, holding, RELEASING))
    this.tally.count(ROLLED_BACK)
  }

  /**
   * HELD -> BUYING or HELD -> CANCELLING, if the code is this reservation's and it has not expired.
   * Returns the new word, or why not.
   *
   * Linearises at the compare-and-swap. Other writers: purchases and cancellations with the same code, the
   * sweep and checkouts once it has expired. After a lost compare-and-swap the new state is read again; it
   * ends because a tenure goes back to HELD only by a roll-back, which bounds nothing but cannot be had for
   * free: each is another call's work.
   */
  take(code: CheckoutCodeReader, next: typeof BUYING | typeof CANCELLING): number | Refusal {
    const at = this.#at(code.slot)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const word = loadWord(this.#words, at)
      if (!this.#isCodeOf(at, code)) return UNKNOWN_CODE
      switch (stateOf(word)) {
        case HELD: {
          if (tenureOf(generationOf(word)) !== code.tenure) return UNKNOWN_CODE
          if (this.#isExpired(at, this.#time.monotonicMs())) return RESERVATION_EXPIRED
          const taken = withState(word, next)
          if (casWord(this.#words, at, word, taken)) return taken
          continue
        }
        case SOLD:
          return ALREADY_PURCHASED
        case BUYING:
          return PURCHASE_PENDING
        case CANCELLING:
          return CANCEL_PENDING
        case FREE:
        case RELEASING:
          return RESERVATION_EXPIRED
        default:
          return UNKNOWN_CODE
      }
    }
    throw new MegacacheError('invariant_broken', `slot ${code.slot}: no progress in ${ATTEMPTS_MAX} attempts`)
  }

  /** BUYING -> SOLD: the purchase is durable. */
  confirmPurchase(slot: number, buying: number): void {
    const at = this.#at(slot)
    this.limit.addPurchased(loadWord(this.#words, at + SLOT.userLow), loadWord(this.#words, at + SLOT.userHigh))
    addWord(this.#words, SOLD_COUNT, 1)
    this.#own(slot, buying, SOLD)
  }

  /** BUYING -> SOLD, but to a code that memory does not know: this reservation's user loses its count. */
  confirmForeign(slot: number, buying: number): void {
    const at = this.#at(slot)
    this.limit.release(loadWord(this.#words, at + SLOT.userLow), loadWord(this.#words, at + SLOT.userHigh))
    this.#wipeCode(at)
    addWord(this.#words, SOLD_COUNT, 1)
    this.#own(slot, buying, SOLD)
  }

  /** BUYING -> HELD, or RELEASING -> FREE when it has expired meanwhile: the purchase will never be. */
  rollbackPurchase(slot: number, buying: number): void {
    const at = this.#at(slot)
    if (this.#isExpired(at, this.#time.monotonicMs())) {
      this.#release(at, this.#own(slot, buying, RELEASING))
      this.tally.count(EXPIRED)
    } else this.#own(slot, buying, HELD)
  }

  /** CANCELLING -> RELEASING -> FREE: the cancellation is durable. The code is forgotten. */
  confirmCancel(slot: number, cancelling: number): void {
    const at = this.#at(slot)
    const releasing = this.#own(slot, cancelling, RELEASING)
    this.#wipeCode(at)
    this.#release(at, releasing)
    this.tally.count(CANCELLED)
  }

  /** CANCELLING -> HELD: the cancellation will never be. An expired one is left to the sweep. */
  rollbackCancel(slot: number, cancelling: number): void {
    this.#own(slot, cancelling, HELD)
  }

  /** Releases the slot if its reservation has expired; says whether this call did. */
  releaseExpired(slot: number, nowMs: number): boolean {
    const at = this.#at(slot)
    const word = loadWord(this.#words, at)
    return stateOf(word) === HELD && this.#isExpired(at, nowMs) && this.#expire(at, word)
  }

  /**
   * Puts a known reservation or purchase back into a free slot, in a tenure that its code names.
   * Returns false when the user is at the limit. Only for `restore`, which has the sale to itself.
   */
  put(code: CheckoutCodeReader, low: number, high: number, expiresMs: number, state: typeof HELD | typeof SOLD): boolean {
    const at = this.#at(code.slot)
    const word = loadWord(this.#words, at)
    if (!this.limit.acquire(low, high)) return false
    const tenures = (code.tenure - tenureOf(generationOf(word) + 1) + TENURES) % TENURES
    const claimed = packWord(generationOf(word) + 1 + tenures * 2, CLAIM)
    if (stateOf(word) !== FREE || !casWord(this.#words, at, word, claimed)) throw broken(code.slot, word)
    this.tally.took()
    this.#writePayload(at, code.random0, code.random1, low, high, expiresMs)
    if (state === SOLD) {
      this.limit.addPurchased(low, high)
      addWord(this.#words, SOLD_COUNT, 1)
    }
    storeWord(this.#words, at, withState(claimed, state))
    return true
  }

  soldCount(): number {
    return loadWord(this.#words, SOLD_COUNT)
  }

  wordOf(slot: number): number {
    return loadWord(this.#words, this.#at(slot))
  }

  /** Copies a slot as it was at one moment, by reading its word before and after. Ends: see `take`. */
  read(slot: number, into: SlotContent): void {
    const words = this.#words
    const at = this.#at(slot)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const word = loadWord(words, at)
      into.random0 = loadWord(words, at + SLOT.random0)
      into.random1 = loadWord(words, at + SLOT.random1)
      into.userLow = loadWord(words, at + SLOT.userLow)
      into.userHigh = loadWord(words, at + SLOT.userHigh)
      into.expiresMs = this.#expiresMs(at)
      into.word = word
      if (loadWord(words, at) === word && stateOf(word) !== CLAIM) return
      if (stateOf(word) === CLAIM && attempt > CLAIM_READS_MAX) return
    }
  }

  isCodeOf(code: CheckoutCodeReader): boolean {
    return this.#isCodeOf(this.#at(code.slot), code)
  }

  /** HELD g -> RELEASING g -> FREE g+1, if the word is still the one that was seen expired. */
  #expire(at: number, word: number): boolean {
    const releasing = withState(word, RELEASING)
    if (!casWord(this.#words, at, word, releasing)) return false
    this.#release(at, releasing)
    this.tally.count(EXPIRED)
    return true
  }

  /** RELEASING g -> FREE g+1. The user is read here, inside RELEASING, and uncounted before the slot is free. */
  #release(at: number, releasing: number): void {
    this.limit.release(loadWord(this.#words, at + SLOT.userLow), loadWord(this.#words, at + SLOT.userHigh))
    this.tally.freed()
    storeWord(this.#words, at, nextTenure(releasing, FREE))
  }

  /** A transition that only this thread may make. Returns the new word. */
  #own(slot: number, word: number, next: SlotState): number {
    const changed = withState(word, next)
    if (!casWord(this.#words, this.#at(slot), word, changed)) throw broken(slot, word)
    return changed
  }

  #unavailable(word: number): Refusal {
    if (stateOf(word) !== SOLD) return ITEM_RESERVED
    return loadWord(this.#words, SOLD_COUNT) === this.items ? SOLD_OUT : ITEM_SOLD
  }

  #writePayload(at: number, random0: number, random1: number, low: number, high: number, expiresMs: number): void {
    const words = this.#words
    storeWord(words, at + SLOT.random0, random0)
    storeWord(words, at + SLOT.random1, random1)
    storeWord(words, at + SLOT.userLow, low)
    storeWord(words, at + SLOT.userHigh, high)
    storeWord(words, at + SLOT.expiresLow, expiresMs % TWO_32 | 0)
    storeWord(words, at + SLOT.expiresHigh, expiresMs / TWO_32 | 0)
    storeWord(words, at + SLOT.owner, this.#owner)
  }

  #wipeCode(at: number): void {
    storeWord(this.#words, at + SLOT.random0, 0)
    storeWord(this.#words, at + SLOT.random1, 0)
  }

  #isCodeOf(at: number, code: CheckoutCodeReader): boolean {
    return loadWord(this.#words, at + SLOT.random0) === code.random0 &&
      loadWord(this.#words, at + SLOT.random1) === code.random1
  }

  #isExpired(at: number, nowMs: number): boolean {
    return nowMs >= this.#expiresMs(at)
  }

  #expiresMs(at: number): number {
    return loadWord(this.#words, at + SLOT.expiresHigh) * TWO_32 + (loadWord(this.#words, at + SLOT.expiresLow) >>> 0)
  }

  #at(slot: number): number {
    return this.#slotsStart + slot * SLOT_WORDS
  }
}

/** A slot as `read` found it. Reusable. */
export interface SlotContent {
  word: number
  random0: number
  random1: number
  userLow: number
  userHigh: number
  expiresMs: number
}

const TWO_32 = 4_294_967_296
/** How many tenures a code can tell apart: see checkout-code.ts. */
const TENURES = 64
/** Far above what contention can need; reached only by a bug, and then better loud than endless. */
const ATTEMPTS_MAX = 1_000_000
/** A claim takes well under a microsecond; one that stands longer is shown as it is. */
const CLAIM_READS_MAX = 10_000

function broken(slot: number, expected: number): MegacacheError {
  return new MegacacheError(
    'invariant_broken',
    `slot ${slot}: only one thread may leave state ${stateOf(expected)} of generation ${generationOf(expected)}, but another did`,
  )
}
