import type { SimulatedPostgres } from '../postgres/simulated-postgres.ts'
import type { CheckoutRow, PurchaseRow } from '../postgres/tables.ts'
import type { Call, History } from './history.ts'

/** What is promised for expiry. */
const TOLERANCE_MS = 50

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
 * Holds every acknowledged answer against the database as it is in the end, and against all other answers. Returns what
 * contradicts a guarantee, in words that begin with its number.
 */
export function checkHistory(history: History, postgres: SimulatedPostgres, terms: Terms): string[] {
  const check = new HistoryCheck(history, postgres, terms)
  check.answersAreWellFormed()
  check.purchasesAreDurable()
  check.codesBuyOnceAndInTime()
  check.codesWorkUntilTheyExpire()
  check.reservationsAreExclusive()
  check.usersStayBelowTheLimit()
  check.cancelsAreFinal()
  check.soldIsFinal()
  check.rowsAreExplained()
  return check.wrong
}

class HistoryCheck {
  readonly wrong: string[] = []
  readonly #history: History
  readonly #terms: Terms
  readonly #purchases: ReadonlyMap<string, PurchaseRow>
  readonly #checkouts: ReadonlyMap<string, CheckoutRow>
  readonly #reservations: ReadonlyMap<string, Call>
  readonly #tries: ReadonlyMap<string, readonly Call[]>
  readonly #cancels: ReadonlyMap<string, readonly Call[]>

  constructor(history: History, postgres: SimulatedPostgres, terms: Terms) {
    this.#history = history
    this.#terms = terms
    this.#purchases = new Map(postgres.purchases.committed().map((row) => [row.code, row]))
    this.#checkouts = new Map(postgres.checkouts.committed().map((row) => [row.code, row]))
    this.#reservations = history.reservations()
    this.#tries = history.ofCode('purchase')
    this.#cancels = history.ofCode('cancel')
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

  /** G1, and every reservation that was told has its row. */
  purchasesAreDurable(): void {
    for (const [code, call] of this.#reservations) {
      const row = this.#checkouts.get(code)
      if (row === undefined) this.#say('G7', call, 'has no row')
      else if (row.itemId !== call.itemId || row.userId !== call.userId) this.#say('G7', call, 'has the row of somebody else')
    }
    for (const [code, calls] of this.#tries) {
      for (const call of calls) {
        if (call.outcome !== 200) continue
        const row = this.#purchases.get(code)
        const reserved = this.#reservations.get(code)
        if (row === undefined) this.#say('G1', call, 'was told 200 and is not in the database')
        else if (reserved !== undefined && (row.itemId !== reserved.itemId || row.userId !== reserved.userId)) {
          this.#say('G1', call, 'bought what the code did not reserve')
        } else if (reserved !== undefined && row.saleId !== saleOf(code)) this.#say('G11', call, 'was bought in another sale')
      }
    }
  }

  /** G5, G6. */
  codesBuyOnceAndInTime(): void {
    for (const [code, calls] of this.#tries) {
      const won = calls.filter((call) => call.outcome === 200)
      if (won.length > 1) this.#say('G5', won[1]!, 'is the second 200 of its code')
      const reserved = this.#reservations.get(code)
      const first = won[0]
      if (first === undefined || reserved === undefined) continue
      const deadMs = reserved.answeredAtMs + this.#terms.ttlMs + TOLERANCE_MS
      if (first.sentAtMs < deadMs) continue
      const hadEarlier = calls.some((call) => call !== first && call.sentAtMs < deadMs && isUnknown(call))
      if (!hadEarlier) this.#say('G6', first, `was sent ${(first.sentAtMs - deadMs).toFixed(1)} ms after the end and told 200`)
    }
  }

  /** G4, G7, G9: no refusal that is not true. */
  codesWorkUntilTheyExpire(): void {
    for (const [code, calls] of this.#tries) {
      const reserved = this.#reservations.get(code)
      for (const call of calls) {
        if (call.outcome !== 409) continue
        const isBought = this.#purchases.has(code)
        const hadOther = calls.some((other) => other !== call && other.sentAtMs < call.answeredAtMs && (isUnknown(other) || other.outcome === 200))
        if (call.reason === 'already_purchased') {
          if (!isBought || !hadOther) this.#say('G9', call, 'was told that it is purchased, and is not')
          continue
        }
        // It changed nothing, and only a 200 needs the current epoch (G10).
        if (call.isOfReplaced) continue
        if (call.reason === 'unknown_code' && this.#isCancelAsked(code, call)) continue
        // Without another try of this code nobody can have bought the item by it.
        if (isBought && !hadOther) this.#say('G9', call, `was refused (${call.reason}) and bought`)
        if (reserved !== undefined && call.answeredAtMs < reserved.sentAtMs + this.#terms.ttlMs - TOLERANCE_MS) {
          this.#say('G7', call, `was refused (${call.reason}) while the reservation lived`)
        }
      }
    }
  }

  /** G4, as far as clients can know. */
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

  cancelsAreFinal(): void {
    for (const [code, calls] of this.#cancels) {
      const done = calls.find((call) => call.outcome === 204)
      if (done === undefined) continue
      if (this.#checkouts.get(code)?.cancelled === undefined) this.#say('G9', done, 'was told 204 and is not cancelled')
      if (this.#purchases.has(code)) this.#say('G9', done, 'was told 204 and bought')
    }
  }

  /** G2, G9: every row was asked for by somebody who was not told that nothing happened. */
  rowsAreExplained(): void {
    const open = new Map<string, number>()
    for (const call of this.#history.calls) {
      if (call.kind !== 'checkout' || !isUnknown(call)) continue
      const asked = `${call.userId} ${call.itemId}`
      open.set(asked, (open.get(asked) ?? 0) + 1)
    }
    for (const [code, row] of this.#checkouts) {
      if (this.#reservations.has(code)) continue
      const asked = `${row.userId} ${row.itemId}`
      const left = open.get(asked) ?? 0
      if (left === 0) this.wrong.push(`G9: the reservation ${code} of item ${row.itemId} is nobody's`)
      open.set(asked, left - 1)
    }
    const items = new Set<string>()
    for (const [code, row] of this.#purchases) {
      const item = `${row.saleId} ${row.itemId}`
      if (items.has(item)) this.wrong.push(`G2: item ${row.itemId} of sale ${row.saleId} is sold twice`)
      items.add(item)
      if (row.itemId >= this.#terms.items) this.wrong.push(`G2: item ${row.itemId} does not exist`)
      const tries = this.#tries.get(code) ?? []
      if (!tries.some((call) => call.outcome === 200 || isUnknown(call))) {
        this.wrong.push(`G9: the purchase by ${code} was refused to all who asked for it`)
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

  #isCancelAsked(code: string, before: Call): boolean {
    return this.#cancels.get(code)?.some(({ sentAtMs }) => sentAtMs < before.answeredAtMs) === true
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

/** The client cannot know what became of it. */
function isUnknown({ outcome }: Call): boolean {
  return outcome === 503 || outcome === 500 || outcome === 'gone' || outcome === 'reset' || outcome === 'open'
}

/** A code names its sale in its first word. */
function saleOf(code: string): number {
  return Number.parseInt(code.slice(0, 8), 16)
}
