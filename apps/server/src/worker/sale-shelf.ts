import { Megacache, type SaleTime } from 'megacache'
import { collectorWeight } from '../collector-weight.ts'
import type { InstanceBoard } from '../instance-board.ts'
import type { SaleEngine } from '../sale-engine.ts'
import type { SaleTerms } from '../sale-terms.ts'
import type { SharedSale } from '../thread-messages.ts'
import { UnansweredPurchases } from './unanswered-purchases.ts'

export interface ShelvedSale {
  readonly terms: SaleTerms
  readonly engine: SaleEngine
  readonly unanswered: UnansweredPurchases
  readonly weight: ArrayBuffer | undefined
}

/**
 * The sales that one thread knows: the current one, the next one as soon as it is prepared, and older ones
 * until their last reservation is gone. Sales come and go by messages; which one is current is a word that all
 * threads share.
 */
export class SaleShelf {
  readonly #sales = new Map<number, ShelvedSale>()
  readonly #board: InstanceBoard
  readonly #time: SaleTime
  #current: ShelvedSale | undefined
  #next: ShelvedSale | undefined

  constructor(board: InstanceBoard, time: SaleTime) {
    this.#board = board
    this.#time = time
  }

  put({ terms, handle, unanswered }: SharedSale): void {
    this.#sales.set(terms.saleId, {
      terms,
      engine: Megacache.attach(handle, { clock: this.#time }),
      unanswered: new UnansweredPurchases(unanswered),
      weight: collectorWeight(handle.memory),
    })
    this.#findNext()
  }

  drop(saleId: number): void {
    this.#sales.delete(saleId)
    this.#findNext()
  }

  /** The sale that a code names, if it is in memory. */
  find(saleId: number): ShelvedSale | undefined {
    return this.#sales.get(saleId)
  }

  /**
   * The sale that takes checkouts at this moment of wall time. A sale begins on time even when the
   * supervisor's timer is late: the first request after its start opens it. Undefined when the last sale is
   * over and no later one is prepared yet.
   */
  current(wallMs: number): ShelvedSale | undefined {
    const next = this.#next
    if (next !== undefined && wallMs >= next.terms.startsAtMs) this.#board.open(next.terms.saleId)
    if (this.#board.currentSaleId !== this.#current?.terms.saleId) this.#turn()
    const current = this.#current
    return current !== undefined && wallMs < current.terms.endsAtMs ? current : undefined
  }

  /** The newest sale that has opened, over or not. */
  latest(): ShelvedSale | undefined {
    if (this.#board.currentSaleId !== this.#current?.terms.saleId) this.#turn()
    return this.#current
  }

  /** The sale that opens after the current one, if it is prepared. */
  next(): ShelvedSale | undefined {
    return this.#next
  }

  #turn(): void {
    this.#current?.engine.close()
    this.#current = this.#sales.get(this.#board.currentSaleId)
    this.#findNext()
  }

  #findNext(): void {
    this.#next = undefined
    const currentId = this.#board.currentSaleId
    for (const sale of this.#sales.values()) {
      const { saleId } = sale.terms
      if (saleId > currentId && (this.#next === undefined || saleId < this.#next.terms.saleId)) this.#next = sale
    }
  }
}
