import { type DurableReservation, findReservation } from '@megacache/persistence'
import type { RareQueries } from '../rare-queries.ts'

/** Questions that one thread may have open at the database: reads must not crowd out writes. */
const OPEN_MAX = 64

/** Who waits for what the database knows of a code. */
export interface Asker {
  readonly isAnswered: boolean
  found(reservation: DurableReservation): void
  giveUp(): void
}

/** Looks up reservations that are no longer in memory, beside the connection that writes. */
export class DurableReads {
  readonly #queries: RareQueries
  readonly #askers = new Set<Asker>()

  constructor(queries: RareQueries) {
    this.#queries = queries
  }

  /** Who has no answer yet: none of them may be left behind by an end. Each gets one within five seconds (`Deadlines`). */
  get unansweredCount(): number {
    let count = 0
    for (const { isAnswered } of this.#askers) if (!isAnswered) count++
    return count
  }

  /** Asks for a code of a sale; `asker` hears of it. False when too many questions are open already. */
  find(code: string, saleId: number, asker: Asker): boolean {
    if (this.#askers.size >= OPEN_MAX) return false
    this.#askers.add(asker)
    this.#ask(code, saleId, asker).catch(() => asker.giveUp()).finally(() => this.#askers.delete(asker))
    return true
  }

  async #ask(code: string, saleId: number, asker: Asker): Promise<void> {
    await this.#queries.run(async (client) => {
      // It may have waited for the connection for longer than its client does.
      if (!asker.isAnswered) asker.found(await findReservation(client, code, { saleId }))
    })
  }
}
