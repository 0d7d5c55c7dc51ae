import { addWord, casWord, confirmWord, loadWord, readWord, storeWord, type Words } from './atomic-words.ts'
import { type CheckoutCodeReader, TENURES, tenureOf } from './checkout-code.ts'
import { DueBlocks } from './due-blocks.ts'
import { BLOCK_SLOTS, type Layout, SLOT_WORDS, SOLD_COUNT } from './layout.ts'
import { MegacacheError } from './megacache-error.ts'
import { RandomWords } from './random-words.ts'
import { ITEM_RESERVED, ITEM_SOLD, type Refusal, RESERVATION_EXPIRED, SOLD_OUT, UNKNOWN_CODE, USER_LIMIT_REACHED } from './refusal.ts'
import {
  forgetCode, isCodeAt, readExpiresMs, readPayload, readUserHigh, readUserLow, type SlotContent, writePayload,
} from './slot-payload.ts'
import { refusalOfState } from './slot-refusal.ts'
import {
  BUYING, CANCELLING, CLAIM, FREE, generationOf, HELD, HOLDING, nextTenure, packWord, payloadGeneration, RELEASING,
  SOLD, type SlotState, stateOf, withState,
} from './slot-word.ts'
import { CANCELLED, EXPIRED, RESERVED, RESTORED, ROLLED_BACK, Tally } from './tally.ts'
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
 * Who may change a slot's word: in FREE and HELD any thread, by compare-and-swap from the word it has loaded;
 * in CLAIM, HOLDING, BUYING, CANCELLING and RELEASING only the thread that made that transition, its owner, which is
 * why a failed compare-and-swap there is a broken invariant and not a race.
 *
 * Reading the payload of a slot that others may recycle is safe because every decision is confirmed by a
 * compare-and-swap on the word that was loaded before the payload: the generation in it proves that the payload
 * belongs to that tenure (INV-1).
 *
 * The user's count rises before the slot is taken and falls inside RELEASING, before the slot is free:
 * owned slots never exceed the count, and the count never exceeds the limit (INV-3).
 *
 * A method that takes `nowMs` decides with a reading of the monotonic clock made by the same thread in the same
 * call of the public face. Expired is `now >= expiresAt`.
 */
export class Inventory {
  readonly items: number
  readonly limit: UserLimit
  readonly tally: Tally
  readonly due: DueBlocks
  readonly #words: Words
  readonly #slotsStart: number
  readonly #owner: number
  readonly #random = new RandomWords()

  /** `owner` numbers the attached threads in the order of attaching. */
  constructor(words: Words, layout: Layout, owner: number) {
    this.items = layout.items
    this.limit = new UserLimit(words, layout)
    this.tally = new Tally(words, owner)
    this.due = new DueBlocks(words, layout)
    this.#words = words
    this.#slotsStart = layout.slotsStart
    this.#owner = owner
  }

  /** Whether the item is sold, without the cost of a full load: the state is final. */
  isSold(slot: number): boolean {
    return stateOf(readWord(this.#words, this.#at(slot))) === SOLD
  }

  /** Why a sold item cannot be had. */
  soldRefusal(): Refusal {
    return readWord(this.#words, SOLD_COUNT) === this.items ? SOLD_OUT : ITEM_SOLD
  }

  /**
   * FREE g -> CLAIM g+1 -> HOLDING g+1: reserves the item, not yet durably. Returns undefined and leaves the new
   * slot in `into`, or returns a refusal. `into` comes with user and expiry.
   *
   * Linearises at the compare-and-swap to CLAIM. Other writers of the word: other checkouts of this item, and
   * the sweep while it is HELD. Tries once: losing means that somebody else has the item.
   */
  hold(slot: number, nowMs: number, into: SlotContent): Refusal | undefined {
    const words = this.#words
    const at = this.#at(slot)
    let word = loadWord(words, at)
    if (stateOf(word) === HELD && nowMs >= readExpiresMs(words, at)) {
      if (!this.#expire(at, word)) return ITEM_RESERVED
      word = loadWord(words, at)
    }
    if (stateOf(word) !== FREE) return stateOf(word) === SOLD ? this.soldRefusal() : ITEM_RESERVED
    if (!this.limit.acquire(into.userLow, into.userHigh)) return USER_LIMIT_REACHED
    const claimed = nextTenure(word, CLAIM)
    if (!casWord(words, at, word, claimed)) {
      this.limit.release(into.userLow, into.userHigh)
      return this.isSold(slot) ? this.soldRefusal() : ITEM_RESERVED
    }
    into.random0 = this.#random.take()
    into.random1 = this.#random.take()
    if ((into.random0 | into.random1) === 0) into.random1 = 1
    into.word = withState(claimed, HOLDING)
    writePayload(words, at, into, this.#owner)
    storeWord(words, at, into.word)
    this.due.lower(slot, into.expiresMs)
    this.tally.count(RESERVED)
    return undefined
  }

  /** HOLDING -> HELD: the row is durable, the code may be given away. */
  confirmHold(slot: number, holding: number): void {
    this.#own(slot, holding, HELD)
  }

  /** HOLDING -> RELEASING -> FREE: the row will never be. The code, which nobody has, is forgotten. */
  rollbackHold(slot: number, holding: number): void {
    const releasing = this.#own(slot, holding, RELEASING)
    forgetCode(this.#words, this.#at(slot))
    this.#release(this.#at(slot), releasing)
    this.tally.count(ROLLED_BACK)
  }

  /**
   * HELD -> BUYING or HELD -> CANCELLING, if the code is this reservation's and it has not expired. Returns
   * undefined and leaves the slot in `into`, or says why not.
   *
   * Linearises at the compare-and-swap. Other writers: purchases and cancellations with the same code, the
   * sweep and checkouts once it has expired. After a lost compare-and-swap the new state is loaded again; a
   * tenure comes back to HELD only when another call has rolled back, so each new attempt is another call's work.
   */
  take(
    code: CheckoutCodeReader, next: typeof BUYING | typeof CANCELLING, nowMs: number, into: SlotContent,
  ): Refusal | undefined {
    const words = this.#words
    const at = this.#at(code.slot)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const word = loadWord(words, at)
      if (!isCodeAt(words, at, code) || tenureOf(payloadGeneration(word)) !== code.tenure) return UNKNOWN_CODE
      const refusal = refusalOfState(stateOf(word))
      if (refusal !== undefined) return refusal
      if (nowMs >= readExpiresMs(words, at)) return RESERVATION_EXPIRED
      const taken = withState(word, next)
      if (!casWord(words, at, word, taken)) continue
      readPayload(words, at, into)
      into.word = taken
      return undefined
    }
    throw noProgress(code.slot)
  }

  /** BUYING -> SOLD: the purchase is durable. */
  confirmPurchase(slot: number, buying: number): void {
    const words = this.#words
    const at = this.#at(slot)
    this.limit.addPurchased(readUserLow(words, at), readUserHigh(words, at))
    addWord(words, SOLD_COUNT, 1)
    this.#own(slot, buying, SOLD)
  }

  /** BUYING -> SOLD, but to a code that memory does not know: this reservation's user loses its count. */
  confirmForeign(slot: number, buying: number): void {
    const words = this.#words
    const at = this.#at(slot)
    forgetCode(words, at)
    addWord(words, SOLD_COUNT, 1)
    this.#own(slot, buying, SOLD)
    this.limit.release(readUserLow(words, at), readUserHigh(words, at))
  }

  /** BUYING -> HELD, or RELEASING -> FREE when it has expired meanwhile: the purchase will never be. */
  rollbackPurchase(slot: number, buying: number, nowMs: number): void {
    const at = this.#at(slot)
    if (nowMs >= readExpiresMs(this.#words, at)) {
      this.#release(at, this.#own(slot, buying, RELEASING))
      this.tally.count(EXPIRED)
    } else this.#own(slot, buying, HELD)
  }

  /** CANCELLING -> RELEASING -> FREE: the cancellation is durable. The code is forgotten. */
  confirmCancel(slot: number, cancelling: number): void {
    const at = this.#at(slot)
    const releasing = this.#own(slot, cancelling, RELEASING)
    forgetCode(this.#words, at)
    this.#release(at, releasing)
    this.tally.count(CANCELLED)
  }

  /** CANCELLING -> HELD: the cancellation will never be. An expired one is left to the sweep. */
  rollbackCancel(slot: number, cancelling: number): void {
    this.#own(slot, cancelling, HELD)
  }

  /** Releases the slot if its reservation has expired; says whether this call did. A cheap plain look comes first. */
  releaseExpired(slot: number, nowMs: number): boolean {
    const words = this.#words
    const at = this.#at(slot)
    if (stateOf(readWord(words, at)) !== HELD || nowMs < readExpiresMs(words, at)) return false
    const word = loadWord(words, at)
    return stateOf(word) === HELD && nowMs >= readExpiresMs(words, at) && this.#expire(at, word)
  }

  /**
   * Releases every reservation that has run out, looking only into blocks where one may have (INV-9); returns how many. Whatever
   * has an expiry and stays counts for the block's next bound, also what is being bought or cancelled, which may come back.
   */
  releaseDue(nowMs: number): number {
    const { due } = this
    let released = 0
    for (let block = 0; block < due.count; block++) {
      const look = due.begin(block, nowMs)
      if (look === 0) continue
      let untilMs = Infinity
      const end = Math.min(this.items, (block + 1) * BLOCK_SLOTS)
      for (let slot = block * BLOCK_SLOTS; slot < end; slot++) {
        const at = this.#at(slot)
        const word = loadWord(this.#words, at)
        const state = stateOf(word)
        if (state !== HELD && state !== HOLDING && state !== BUYING && state !== CANCELLING) continue
        // What another thread is just writing may be read torn; it lowers the bound by itself, and what is past counts as now.
        const leftMs = Math.max(0, readExpiresMs(this.#words, at) - nowMs)
        if (leftMs === 0 && state === HELD && this.#expire(at, word)) released++
        else untilMs = Math.min(untilMs, leftMs)
      }
      due.end(block, look, nowMs, untilMs)
    }
    return released
  }

  /**
   * Puts a known reservation or purchase back into a free slot, in a tenure that its code names.
   * Returns false when the user is at the limit. Only for `restore`, which has the sale to itself.
   */
  put(
    code: CheckoutCodeReader, low: number, high: number, expiresMs: number, state: typeof HELD | typeof SOLD,
  ): boolean {
    const words = this.#words
    const at = this.#at(code.slot)
    const word = loadWord(words, at)
    if (!this.limit.acquire(low, high)) return false
    const generation = generationOf(word) + 1
    const tenures = (code.tenure - tenureOf(generation) + TENURES) % TENURES
    const claimed = packWord(generation + tenures * 2, CLAIM)
    const { random0, random1 } = code
    this.#claimFree(code.slot, word, claimed)
    writePayload(words, at, { word, random0, random1, userLow: low, userHigh: high, expiresMs }, this.#owner)
    storeWord(words, at, withState(claimed, state === SOLD ? BUYING : HELD))
    this.due.lower(code.slot, expiresMs)
    if (state === SOLD) this.confirmPurchase(code.slot, withState(claimed, BUYING))
    return true
  }

  /** Marks a free item as sold to a code and a user that memory does not know. Only for `restore`. */
  putForeign(slot: number): void {
    const at = this.#at(slot)
    const word = loadWord(this.#words, at)
    const claimed = nextTenure(word, CLAIM)
    this.#claimFree(slot, word, claimed)
    forgetCode(this.#words, at)
    addWord(this.#words, SOLD_COUNT, 1)
    this.#own(slot, claimed, SOLD)
  }

  /** HELD -> BUYING -> SOLD whether expired or not: a durable purchase is a fact. Only for `restore`. */
  sellHeld(slot: number, held: number): void {
    this.confirmPurchase(slot, this.#own(slot, held, BUYING))
  }

  soldCount(): number {
    return loadWord(this.#words, SOLD_COUNT)
  }

  wordOf(slot: number): number {
    return loadWord(this.#words, this.#at(slot))
  }

  /**
   * Copies a slot as it was at one moment. Linearises at the confirmation of the unchanged word. Ends because a
   * changed word is another thread's success and CLAIM lasts well under a microsecond; a CLAIM that stands is
   * shown as it is, with a payload that means nothing.
   */
  read(slot: number, into: SlotContent): void {
    const words = this.#words
    const at = this.#at(slot)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      into.word = loadWord(words, at)
      if (stateOf(into.word) === CLAIM && attempt < CLAIM_READS_MAX) continue
      readPayload(words, at, into)
      if (confirmWord(words, at, into.word)) return
    }
    throw noProgress(slot)
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
    this.limit.release(readUserLow(this.#words, at), readUserHigh(this.#words, at))
    storeWord(this.#words, at, nextTenure(releasing, FREE))
  }

  #claimFree(slot: number, word: number, claimed: number): void {
    if (stateOf(word) !== FREE || !casWord(this.#words, this.#at(slot), word, claimed)) throw broken(slot, word)
    this.tally.count(RESTORED)
  }

  /** A transition that only this thread may make. Returns the new word. */
  #own(slot: number, word: number, next: SlotState): number {
    const changed = withState(word, next)
    if (!casWord(this.#words, this.#at(slot), word, changed)) throw broken(slot, word)
    return changed
  }

  #at(slot: number): number {
    return this.#slotsStart + slot * SLOT_WORDS
  }
}

/** Far above what contention can need; reached only by a bug, and then better loud than endless. */
const ATTEMPTS_MAX = 1_000_000
/** How often a CLAIM is loaded again before it is shown: some 10 us. */
const CLAIM_READS_MAX = 1000

function broken(slot: number, expected: number): MegacacheError {
  return new MegacacheError(
    'invariant_broken',
    `slot ${slot}: only one thread may leave state ${stateOf(expected)} of generation ${generationOf(expected)}, ` +
      'but another did',
  )
}

function noProgress(slot: number): MegacacheError {
  return new MegacacheError('invariant_broken', `slot ${slot}: no progress in ${ATTEMPTS_MAX} attempts`)
}
