import type { RecordedCall, RunRecord } from '@megacache/loadgen'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../simulation/world/random.ts'
import { OpenItems } from './open-items.ts'
import { type Held, SaleCalls } from './sale-calls.ts'
import { BOUNDARY_MS_MAX, TERMS } from './soak-world.ts'

const BUYERS = 40
/** Several buyers share a user at times, and all of them together may have more than there is. */
const USERS = 120
/** Ids beyond what a double can tell apart. */
const FIRST_USER = 2n ** 62n
const TRIES_MAX = 5
/** Codes of which some are used again, long after. */
const OLD_CODES = 200

/** Buyers of every kind who keep a sale busy from its begin to its end, and the next one, until they are stopped. */
export class MixedLoad {
  readonly calls: SaleCalls
  readonly #random: Random
  readonly #open = new OpenItems(TERMS.items)
  readonly #old: Held[] = []
  readonly #firstSaleId: number
  readonly #startedAtMs: number
  #buyers: Promise<void>[] = []
  #isStopping = false

  /** `firstSaleId`: one that has just begun, and that nobody has touched. */
  constructor(target: () => string, random: Random, firstSaleId: number) {
    this.calls = new SaleCalls(target, 2 * BUYERS)
    this.#random = random
    this.#firstSaleId = firstSaleId
    this.#startedAtMs = this.calls.nowMs()
  }

  /** What it is aimed at, for the checker. */
  get run(): RunRecord {
    return {
      scenario: 'soak', url: 'http://127.0.0.1', saleId: this.#firstSaleId, items: TERMS.items, userLimit: TERMS.userLimit, startedEmpty: true,
      firstUserId: String(FIRST_USER), userCount: USERS, seed: 0, startedAtMs: this.#startedAtMs, reservationTtlMs: TERMS.reservationTtlMs,
    }
  }

  start(): void {
    this.#buyers = Array.from({ length: BUYERS }, () => this.#buy())
    // Looked at when it is stopped.
    for (const buyer of this.#buyers) buyer.catch(() => {})
  }

  /** Lets everybody finish. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#buyers)
    await this.calls.close()
  }

  async #buy(): Promise<void> {
    while (!this.#isStopping) {
      const saleId = currentSaleId()
      this.#open.begin(saleId)
      await (this.#open.count > 0 ? this.#tryItem(saleId, this.#open.pick(this.#random)) : this.#lookBack())
    }
  }

  async #tryItem(saleId: number, itemId: number): Promise<void> {
    const held = await this.#checkout(saleId, this.#user(), itemId)
    if (held !== undefined) await this.#use(saleId, held)
  }

  /** The sale is sold out: refused tries, old codes. */
  async #lookBack(): Promise<void> {
    await sleep(2)
    const old = this.#random.chance(0.7) && this.#old.length > 0 ? this.#random.pick(this.#old) : undefined
    if (old === undefined) await this.calls.checkout(this.#user(), this.#random.integer(0, TERMS.items - 1))
    else if (this.#random.chance(0.5)) await this.calls.read(old)
    else if (this.#random.chance(0.7)) await this.calls.purchase(old)
    else await this.calls.cancel(old)
  }

  async #use(saleId: number, held: Held): Promise<void> {
    const { calls } = this
    const act = this.#random.fraction()
    if (act < 0.12) await Promise.all([this.#purchase(held), this.#purchase(held)])
    else if (act < 0.2) await Promise.all([this.#purchase(held), calls.cancel(held)])
    else if (act < 0.28) {
      await calls.cancel(held)
      await calls.purchase(held)
    } else if (act < 0.32) {
      await sleep(TERMS.reservationTtlMs + this.#random.integer(60, 200))
      await calls.purchase(held)
    } else if (act < 0.35) {
      await sleep(TERMS.reservationTtlMs + this.#random.integer(-60, 40))
      await this.#purchase(held)
    } else {
      if (act < 0.42) await calls.read(held)
      if (act > 0.95) await this.#checkout(saleId, this.#user(), held.itemId)
      await this.#purchase(held)
      if (act > 0.9) await calls.read(held)
    }
  }

  async #checkout(saleId: number, userId: string, itemId: number): Promise<Held | undefined> {
    const call = await this.calls.checkout(userId, itemId)
    if (call?.outcome === 'acknowledged') return this.#keep({ code: call.code, itemId, userId })
    const isOfThisSale = call !== undefined && call.sentAtMs >= saleId * 1000 + BOUNDARY_MS_MAX
    if (isOfThisSale && saleId === currentSaleId()) {
      if (call?.reason === 'sold_out') this.#open.strikeAll(saleId)
      if (call?.reason === 'item_sold') this.#open.strike(saleId, itemId)
    }
    await this.#restAfter(call)
    return undefined
  }

  /** Again with the same code until it is known what has become of it, as clients are told to. */
  async #purchase(held: Held): Promise<void> {
    for (let count = 0; count < TRIES_MAX && !this.#isStopping; count++) {
      const call = await this.calls.purchase(held)
      if (call?.outcome === 'acknowledged') this.#open.strike(call.saleId, held.itemId)
      if (call !== undefined && call.outcome !== 'unknown') return
      await this.#restAfter(call)
    }
  }

  #keep(held: Held): Held {
    if (this.#old.length < OLD_CODES) this.#old.push(held)
    else this.#old[this.#random.integer(0, OLD_CODES - 1)] = held
    return held
  }

  /** Not so long as `Retry-After` asks: a soak wants requests while things are broken. */
  async #restAfter(call: RecordedCall | undefined): Promise<void> {
    if (call === undefined || call.outcome === 'unknown') await sleep(this.#random.integer(20, 80))
    else if (call.reason === 'item_reserved') await sleep(1)
  }

  #user(): string {
    return String(FIRST_USER + BigInt(this.#random.integer(0, USERS - 1)))
  }
}

/** The sale is a function of wall time. */
export function currentSaleId(): number {
  return Math.floor(Date.now() / TERMS.periodMs) * (TERMS.periodMs / 1000)
}
