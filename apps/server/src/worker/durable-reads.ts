import { type DurableReservation, findReservation } from '@megacache/persistence'
import type { RareQueries } from '../rare-queries.ts'

/** Questions that one thread may have open at the database: reads must not crowd out writes. */
const OPEN_MAX = 64

/** Who waits for what the database knows of a code. */
export interface Asker {
  found(reservation: DurableReservation): void
  giveUp(): void
}

/** Looks up reservations that are no longer in memory, beside the connection that writes. */
export class DurableReads {
  readonly #queries: RareQueries
  #open = 0

  constructor(queries: RareQueries) {
    this.#queries = queries
  }

  /** Asks for a code of a sale; `asker` hears of it. False when too many questions are open already. */
  find(code: string, saleId: number, asker: Asker): boolean {
    if (this.#open >= OPEN_MAX) return false
    this.#open++
    this.#queries.run((client) => findReservation(client, code, { saleId }))
      .then((reservation) => asker.found(reservation), () => asker.giveUp())
      .finally(() => { this.#open-- })
    return true
  }
}
