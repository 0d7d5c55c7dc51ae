import { expect } from 'vitest'
import type { Random } from '../../simulation/world/random.ts'
import type { SaleClient } from '../../test/harness/sale-client.ts'

/** Users of their own, one a reservation, so that no limit is in the way. */
const FIRST_USER = 2 ** 40
const RIVAL = 2 ** 41
/** In a sale that is almost sold out few items are free. */
const TRIES_MAX = 30
/** G7: how exactly a code keeps its expiry. */
const TOLERANCE_MS = 50
/** A code whose last tenth has begun is not given out. */
const SLOW_SHARE = 0.8

interface Held {
  readonly code: string
  readonly itemId: number
  readonly userId: string
  readonly expiresAt: string
  /** It is valid so long at least, on this process's monotonic clock. */
  readonly validUntilMs: number
  state: 'reserved' | 'purchased' | 'cancelled'
}

/** Reservations acknowledged right before a kill, which must be worth as much after it. */
export class HeldReservations {
  /** Those whose validity after a kill was looked at. */
  usedCount = 0
  readonly #items: number
  readonly #ttlMs: number
  readonly #random: Random
  readonly #held: Held[] = []

  constructor(items: number, ttlMs: number, random: Random) {
    this.#items = items
    this.#ttlMs = ttlMs
    this.#random = random
  }

  /** Reserves some item that nobody has, if it finds one. */
  async reserve(client: SaleClient): Promise<void> {
    const userId = String(FIRST_USER + this.#held.length)
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const itemId = this.#random.integer(0, this.#items - 1)
      const sentAtMs = performance.now()
      const { status, reason, text: code } = await client.checkout(userId, itemId)
      if (status === 200) {
        const { expiresAt } = (await client.reservation(code)).json
        this.#held.push({ code, itemId, userId, expiresAt, validUntilMs: sentAtMs + this.#ttlMs - TOLERANCE_MS, state: 'reserved' })
        return
      }
      // Made durable too late to be of use: it is not given then.
      if (status === 503 && performance.now() - sentAtMs > SLOW_SHARE * this.#ttlMs) return
      expect({ status, reason }).toEqual({ status: 409, reason: expect.stringMatching(/^(item_reserved|item_sold|sold_out)$/) })
    }
  }

  /** After a restart: those that still live are as they were, and buy, or are given back, or live on. */
  async use(client: SaleClient): Promise<void> {
    for (const one of this.#held) {
      if (one.state !== 'reserved') continue
      const { code, itemId, userId, expiresAt } = one
      const read = await client.reservation(code)
      if (performance.now() > one.validUntilMs) continue
      expect(read.json).toMatchObject({ state: 'reserved', code, itemId, userId })
      expect(Math.abs(Date.parse(read.json.expiresAt) - Date.parse(expiresAt)), 'the expiry moved').toBeLessThanOrEqual(TOLERANCE_MS)
      const rival = await client.checkout(RIVAL, itemId)
      if (performance.now() > one.validUntilMs) continue
      expect(rival).toMatchObject({ status: 409, reason: 'item_reserved' })
      await this.#end(client, one)
    }
  }

  /** What was said of them last is still so. */
  async expectKept(client: SaleClient): Promise<void> {
    for (const { code, itemId, userId, state } of this.#held) {
      const read = await client.reservation(code)
      expect(read.json).toMatchObject({ state: state === 'reserved' ? 'expired' : state, itemId, userId })
    }
  }

  async #end(client: SaleClient, one: Held): Promise<void> {
    const choice = this.#random.fraction()
    if (choice < 0.2) return
    const isPurchase = choice < 0.7
    const answer = await (isPurchase ? client.purchase(one.code) : client.cancel(one.code))
    if (answer.status === 409 && performance.now() > one.validUntilMs) return
    expect(answer).toMatchObject({ status: isPurchase ? 200 : 204 })
    one.state = isPurchase ? 'purchased' : 'cancelled'
    this.usedCount++
  }
}
