import type { SimulatedPostgres } from '../postgres/simulated-postgres.ts'
import type { CheckoutRow, PurchaseRow } from '../postgres/tables.ts'
import { type Call, type History, saleOf, TOLERANCE_MS } from './history.ts'

export interface Terms {
  readonly items: number
  readonly userLimit: number
  readonly ttlMs: number
  /** How long an answer may take. */
  readonly answerMsMax: number
  /** Some rows are refused by the database, which is answered 500. */
  readonly refusesCodes: boolean
}

/**
 * Holds the answers against what clients cannot know: when commits truly happened, who was replaced, how long an answer may take. All
 * that follows from answers and rows alone is judged by `check-with-library.ts`. Returns what contradicts a guarantee, in words that
 * begin with its number.
 */
export function checkHistory(history: History, postgres: SimulatedPostgres, terms: Terms): string[] {
  const check = new HistoryCheck(history, postgres, terms)
  check.answersAreWellFormed()
  check.reservationsAreExclusive()
  check.usersStayBelowTheLimit()
  check.soldIsFinal()
  return check.wrong
}

class HistoryCheck {
  readonly wrong: string[] = []
  readonly #history: History
  readonly #terms: Terms
  readonly #purchases: ReadonlyMap<string, PurchaseRow>
  readonly #checkouts: ReadonlyMap<string, CheckoutRow>
  readonly #reservations: ReadonlyMap<string, Call>

  constructor(history: History, postgres: SimulatedPostgres, terms: Terms) {
    this.#history = history
    this.#terms = terms
    this.#purchases = new Map(postgres.purchases.committed().map((row) => [row.code, row]))
    this.#checkouts = new Map(postgres.checkouts.committed().map((row) => [row.code, row]))
    this.#reservations = history.reservations()
  }

  /** G13, G14: only the statuses of the contract, every request answered, 503 with Retry-After. */
  answersAreWellFormed(): void {
    for (const call of this.#history.calls) {
      if (call.outcome === 'open') this.#say('G14', call, 'was never answered')
      if (typeof call.outcome !== 'number') continue
      const isAllowed = STATUSES[call.kind].has(call.outcome) || (call.outcome === 500 && this.#terms.refusesCodes)
      if (!isAllowed) this.#say('G14', call, `was answered ${call.outcome} (${call.reason})`)
      const tookMs = call.answeredAtMs - call.sentAtMs
      if (tookMs > this.#terms.answerMsMax) this.#say('G13', call, `took ${tookMs.toFixed(0)} ms`)
      if (call.outcome === 503 && !call.hasRetryAfter) this.#say('G13', call, 'was told 503 without Retry-After')
    }
  }

  /** G4, from one true commit to the next. */
  reservationsAreExclusive(): void {
    const byItem = new Map<string, { from: number, to: number, call: Call }[]>()
    for (const [code, call] of this.#reservations) {
      const key = `${saleOf(code)} ${call.itemId}`
      const all = byItem.get(key) ?? []
      // Not its answer: another one's cancel may have become durable in between.
      const from = Math.min(call.answeredAtMs, this.#checkouts.get(code)?.writer.committedAtMs ?? Infinity)
      all.push({ from, to: this.#surelyHeldUntil(code, call), call })
      byItem.set(key, all)
    }
    for (const held of byItem.values()) {
      held.sort((a, b) => a.from - b.from)
      let endMs = -Infinity
      for (const { from, to, call } of held) {
        // The later one was given at some moment between its question and its answer.
        if (from < endMs) this.#say('G4', call, 'got an item that was reserved')
        endMs = Math.max(endMs, to)
      }
    }
  }

  /** G3. */
  usersStayBelowTheLimit(): void {
    const byUser = new Map<string, { at: number, delta: number, call: Call }[]>()
    for (const [code, call] of this.#reservations) {
      const key = `${saleOf(code)} ${call.userId}`
      const moments = byUser.get(key) ?? []
      const endMs = this.#surelyHeldUntil(code, call)
      if (endMs > call.answeredAtMs) moments.push({ at: call.answeredAtMs, delta: 1, call }, { at: endMs, delta: -1, call })
      byUser.set(key, moments)
    }
    for (const moments of byUser.values()) {
      moments.sort((a, b) => a.at - b.at || a.delta - b.delta)
      let owned = 0
      for (const { delta, call } of moments) {
        owned += delta
        if (owned > this.#terms.userLimit) this.#say('G3', call, `made its user own ${owned}`)
      }
    }
  }

  /** What is sold stays sold: nobody reserves it again, and nobody is told that the buyer has something else. */
  soldIsFinal(): void {
    const soldAtMs = new Map<string, number>()
    for (const row of this.#purchases.values()) soldAtMs.set(`${row.saleId} ${row.itemId}`, row.writer.committedAtMs)
    for (const [code, call] of this.#reservations) {
      if (call.sentAtMs > (soldAtMs.get(`${saleOf(code)} ${call.itemId}`) ?? Infinity)) this.#say('G2', call, 'got an item that was sold')
    }
    for (const call of this.#history.calls) {
      if (call.kind !== 'read' || call.outcome !== 200 || call.code === undefined || call.isOfReplaced) continue
      const bought = this.#purchases.get(call.code)
      const isLate = bought !== undefined && call.sentAtMs > bought.writer.committedAtMs
      if (isLate && call.reason !== 'purchased' && call.reason !== 'purchasing') this.#say('G1', call, `says ${call.reason} of what was bought`)
    }
  }

  /** Until when a code's item belongs to it, whatever clocks and delays did. */
  #surelyHeldUntil(code: string, call: Call): number {
    if (this.#purchases.has(code)) return Infinity
    const cancelledAtMs = this.#checkouts.get(code)?.cancelled?.writer.committedAtMs ?? Infinity
    return Math.min(cancelledAtMs, call.sentAtMs + this.#terms.ttlMs - TOLERANCE_MS)
  }

  #say(guarantee: string, call: Call, what: string): void {
    const about = call.kind === 'checkout' ? `of item ${call.itemId} by ${call.userId}` : `of ${call.code}`
    this.wrong.push(`${guarantee}: the ${call.kind} ${about} sent at ${call.sentAtMs.toFixed(3)} ${what}`)
  }
}

const STATUSES: Readonly<Record<Call['kind'], ReadonlySet<number>>> = {
  checkout: new Set([200, 409, 503]),
  purchase: new Set([200, 409, 503]),
  cancel: new Set([204, 409, 503]),
  read: new Set([200, 404, 503]),
}
