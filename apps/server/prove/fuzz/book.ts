import { queryOnce } from '../../test/harness/test-database.ts'
import type { WireAnswer } from './answer-reader.ts'
import { codeOf } from './check-answer.ts'
import type { ExpectedAnswer } from './expected-answers.ts'
import type { Call } from './target-model.ts'

/** What the rows of a checkout say. */
interface CheckoutRow {
  readonly code: string
  readonly item: number
  readonly user: string
  readonly isCancelled: boolean
  readonly isPurchased: boolean
}

/** Counts of rows, as `GET /sale` should have them. */
export interface Counted {
  readonly reserved: number
  readonly sold: number
}

/**
 * What was given to clients, and what may have been given without their having learned it. Each row must be explained by
 * one of the two, so whatever was refused has left none.
 */
export class Book {
  readonly #given = new Map<string, { readonly user: string; readonly item: number }>()
  readonly #purchased = new Set<string>()
  readonly #cancelled = new Set<string>()
  readonly #maybe = new Set<string>()

  /** A bound method: whether a code was given by an answer. */
  readonly isGiven = (code: string): boolean => this.#given.has(code)

  get codes(): string[] {
    return [...this.#given.keys()]
  }

  /** A request that was answered. Returns what contradicts an earlier answer. */
  answered(expected: ExpectedAnswer, answer: WireAnswer): string | undefined {
    const { call } = expected
    if (call === undefined) return undefined
    if (answer.status === 503) this.unanswered(call)
    if (answer.status >= 300) return undefined
    if (call.kind === 'checkout') {
      const code = codeOf(expected, answer) ?? ''
      if (this.#given.has(code)) return `the code ${code} was given before`
      this.#given.set(code, { user: String(call.user), item: call.item })
      return undefined
    }
    const { code } = call
    if (call.kind === 'cancel') {
      if (this.#purchased.has(code)) return `${code} was cancelled after it had been purchased`
      this.#cancelled.add(code)
      return undefined
    }
    if (this.#purchased.has(code)) return `${code} was purchased twice`
    if (this.#cancelled.has(code)) return `${code} was purchased after it had been cancelled`
    this.#purchased.add(code)
    return undefined
  }

  /** A request that may have been carried out. */
  unanswered(call: Call): void {
    this.#maybe.add(keyOf(call))
  }

  /** Rows against answers. Throws at the first that does not fit. */
  async check(databaseUrl: string): Promise<Counted> {
    const rows = await queryOnce<CheckoutRow & Record<string, unknown>>(databaseUrl, `
      select c.code::text as code, c.item_id::int as item, c.user_id::text as "user", c.cancelled_at is not null as "isCancelled", p.code is not null as "isPurchased"
      from checkouts c left join purchases p on p.sale_id = c.sale_id and p.item_id = c.item_id and p.code = c.code`)
    const [total] = await queryOnce<{ purchases: number }>(databaseUrl, 'select count(*)::int as purchases from purchases')
    const unseen = new Set(this.#given.keys())
    for (const row of rows) {
      unseen.delete(row.code)
      this.#explain(row)
    }
    for (const code of unseen) throw new Error(`${code} was given and has no row`)
    const sold = rows.filter(({ isPurchased }) => isPurchased).length
    if (sold !== total?.purchases) throw new Error(`${String(total?.purchases)} purchases, of which ${sold} have a checkout`)
    return { sold, reserved: rows.filter(({ isCancelled, isPurchased }) => !isCancelled && !isPurchased).length }
  }

  #explain({ code, item, user, isCancelled, isPurchased }: CheckoutRow): void {
    const given = this.#given.get(code)
    if (given === undefined) {
      if (!this.#maybe.has(keyOf({ kind: 'checkout', user: BigInt(user), item }))) throw new Error(`nobody asked for the row of ${code}: item ${item}, user ${user}`)
    } else if (given.user !== user || given.item !== item) {
      throw new Error(`${code} was given to ${given.user} for item ${given.item}; its row says ${user}, ${item}`)
    }
    this.#agrees(`the purchase of ${code}`, isPurchased, this.#purchased.has(code), keyOf({ kind: 'purchase', code }))
    this.#agrees(`the cancellation of ${code}`, isCancelled, this.#cancelled.has(code), keyOf({ kind: 'cancel', code }))
  }

  #agrees(what: string, isRow: boolean, isAnswered: boolean, key: string): void {
    if (isAnswered && !isRow) throw new Error(`${what} was acknowledged and has no row`)
    if (isRow && !isAnswered && !this.#maybe.has(key)) throw new Error(`${what} has a row, and nobody who could have asked for it`)
  }
}

function keyOf(call: Call): string {
  return call.kind === 'checkout' ? `checkout ${call.item} ${call.user}` : `${call.kind} ${call.code}`
}
