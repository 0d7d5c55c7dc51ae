import {
  type DroppedSales, dropOldSales, ensureSale, measureClock, newestOpenedSale, type RecoveredSale, recordAttemptCounts, recoverSale, recoverSales,
} from '@megacache/persistence'
import { Megacache, type SaleTime } from 'megacache'
import { collectorWeight } from '../collector-weight.ts'
import type { RareQueries } from '../rare-queries.ts'
import type { SaleTerms } from '../sale-terms.ts'
import type { SharedSale } from '../thread-messages.ts'
import { UnansweredPurchases } from '../worker/unanswered-purchases.ts'
import { StartError } from './exit-status.ts'

export interface BookedSale {
  readonly terms: SaleTerms
  readonly engine: Megacache
  readonly unanswered: SharedArrayBuffer
  /** Refusals already added to the database, by reason. */
  readonly counted: Map<string, number>
  readonly weight: ArrayBuffer | undefined
}

/** What a new sale gets; a sale that has a row keeps the terms of its row. */
export interface NewSaleTerms {
  readonly itemCount: number
  readonly userLimit: number
  readonly reservationTtlMs: number
}

/** The sales that are in memory, as the supervisor keeps them: it makes them, sweeps them and gives them up. */
export class SaleBook {
  readonly #sales = new Map<number, BookedSale>()
  readonly #queries: RareQueries
  readonly #epoch: number
  readonly #newTerms: NewSaleTerms
  readonly #time: SaleTime
  readonly #steady = { nowMs: (): number => this.#time.monotonicMs() }
  #newest: SaleTerms | undefined

  constructor(queries: RareQueries, epoch: number, newTerms: NewSaleTerms, time: SaleTime) {
    this.#time = time
    this.#queries = queries
    this.#epoch = epoch
    this.#newTerms = newTerms
  }

  /**
   * Rebuilds every sale that still matters from its rows, after the epoch was raised: nobody else writes.
   * Of those that are over, only the newest matters without a reservation (no older one is opened again): the database
   * answers for their codes, and clients wait meanwhile. Refuses to serve when the result breaks an invariant.
   */
  async recover(): Promise<RecoveryReport> {
    const startedAt = performance.now()
    const { recovered, offsetMs, newest } = await this.#queries.run(async (client) => {
      const clock = await measureClock(client, this.#steady)
      return { recovered: await recoverSales(client), offsetMs: clock.offsetMs, newest: await newestOpenedSale(client) }
    })
    this.#newest = newest
    const nowMs = this.#time.monotonicMs() + offsetMs
    const kept = recovered.filter((sale) => sale === recovered.at(-1) || sale.reservations.length > 0 || sale.terms.endsAtMs > nowMs)
    let purchases = 0
    let reservations = 0
    let superseded = 0
    for (const sale of kept) {
      const result = this.#rebuild(sale, offsetMs)
      purchases += result.purchases
      reservations += result.reservations
      superseded += result.superseded.length
    }
    const tookMs = Math.round(performance.now() - startedAt)
    return { sales: kept.length, purchases, reservations, superseded, tookMs }
  }

  /** The newest sale that was ever open, as of the recovery: none before it may be opened again. */
  get newest(): SaleTerms | undefined {
    return this.#newest
  }

  /**
   * Makes the sale's row, partitions and memory exist. Idempotent; the terms are those of the row. A sale whose row was there
   * before is loaded with what it has given and sold: opened empty, it would sell its items again.
   */
  async prepare(planned: { saleId: number; startsAtMs: number; endsAtMs: number }): Promise<BookedSale> {
    const existing = this.#sales.get(planned.saleId)
    if (existing !== undefined) return existing
    const wanted = { ...planned, ...this.#newTerms, epoch: this.#epoch }
    const { stored, clock } = await this.#queries.run(async (client) => {
      const { isNew, ...terms } = await ensureSale(client, wanted)
      if (isNew) return { stored: { terms, purchases: [], reservations: [] }, clock: undefined }
      return { clock: await measureClock(client, this.#steady), stored: await recoverSale(client, terms) }
    })
    this.#rebuild(stored, clock?.offsetMs ?? 0)
    const sale = this.#sales.get(stored.terms.saleId)
    if (sale === undefined) throw new Error(`sale ${stored.terms.saleId} was not built`)
    return sale
  }

  /** Whether the sale has neither reservations nor anything under way, so that it can be given up. */
  isOver(saleId: number): boolean {
    const sale = this.#sales.get(saleId)
    if (sale === undefined) return true
    sale.engine.close()
    sale.engine.sweep()
    return sale.engine.stats().reserved === 0
  }

  async giveUp(saleId: number): Promise<void> {
    const sale = this.#sales.get(saleId)
    if (sale === undefined) return
    await this.#recordAttempts(sale)
    this.#sales.delete(saleId)
  }

  /** Releases what has expired, in all sales. */
  sweep(): void {
    for (const sale of this.#sales.values()) sale.engine.sweep()
  }

  /**
   * An item that a thread has left half reserved or half released (INV-4), in words; undefined is health. The check
   * remembers what it saw, so it must be called again and again.
   */
  stuck(): string | undefined {
    for (const { terms, engine } of this.#sales.values()) {
      const [first] = engine.stuck()
      if (first !== undefined) return `item ${first.itemId} of sale ${terms.saleId} is left in state ${first.state}`
    }
    return undefined
  }

  /** Adds the refusals since the last call to the database's counters. */
  async recordAttempts(): Promise<void> {
    for (const sale of this.#sales.values()) await this.#recordAttempts(sale)
  }

  dropOld(retentionMs: number): Promise<DroppedSales> {
    return this.#queries.run((client) => dropOldSales(client, { retentionMs }))
  }

  all(): BookedSale[] {
    return [...this.#sales.values()]
  }

  shared(): SharedSale[] {
    return this.all().map(shared)
  }

  sharedSale(saleId: number): SharedSale {
    const sale = this.#sales.get(saleId)
    if (sale === undefined) throw new Error(`sale ${saleId} is not in memory`)
    return shared(sale)
  }

  /**
   * What is left of each reservation is reckoned here and now: reading the rows of a large sale takes longer than an
   * expiry may be off. `offsetMs` is what the database's clock is ahead of ours.
   */
  #rebuild({ terms, purchases, reservations }: RecoveredSale, offsetMs: number): ReturnType<Megacache['restore']> {
    const sale = book(terms, this.#time)
    const databaseMs = this.#time.monotonicMs() + offsetMs
    const result = sale.engine.restore({
      purchases,
      reservations: reservations.map((row) => ({ ...row, remainingMs: row.expiresAtMs - databaseMs })),
    })
    const wrong = sale.engine.audit()
    if (wrong.length > 0) {
      throw new StartError(`sale ${terms.saleId} cannot be served: ${wrong.slice(0, 3).join('; ')} (${wrong.length} in all)`)
    }
    this.#sales.set(terms.saleId, sale)
    return result
  }

  async #recordAttempts({ terms, engine, counted }: BookedSale): Promise<void> {
    const { refusals, reservations } = engine.stats().totals
    const counts = new Map<string, number>()
    for (const [reason, count] of [...Object.entries(refusals), ['reserved', reservations] as const]) {
      const added = count - (counted.get(reason) ?? 0)
      if (added > 0) counts.set(reason, added)
    }
    if (counts.size === 0) return
    await this.#queries.run((client) => recordAttemptCounts(client, terms.saleId, counts))
    for (const [reason, added] of counts) counted.set(reason, (counted.get(reason) ?? 0) + added)
  }
}

export interface RecoveryReport {
  readonly sales: number
  readonly purchases: number
  readonly reservations: number
  readonly superseded: number
  readonly tookMs: number
}

/** What request threads need of a sale. */
export function shared({ terms, engine, unanswered }: BookedSale): SharedSale {
  return { terms, handle: engine.handle, unanswered }
}

function book(terms: SaleTerms, clock: SaleTime): BookedSale {
  const { saleId, itemCount, userLimit, reservationTtlMs } = terms
  const engine = Megacache.create({ saleId, items: itemCount, userLimit, reservationTtlMs, clock })
  return {
    terms,
    engine,
    unanswered: UnansweredPurchases.memoryFor(itemCount),
    counted: new Map(),
    weight: collectorWeight(engine.handle.memory),
  }
}
