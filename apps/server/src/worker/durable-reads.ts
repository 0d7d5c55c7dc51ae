import { type DurableReservation, findReservation, type Session } from '@megacache/persistence'

/** Questions that one thread may have open at the database: reads must not crowd out writes. */
const OPEN_MAX = 64

/** Looks up reservations that are no longer in memory, on the thread's own connection. */
export class DurableReads {
  readonly #session: Session
  #open = 0

  constructor(session: Session) {
    this.#session = session
  }

  /** Asks for a code; `asker.found` hears of it. False when too many questions are open already. */
  find(code: string, asker: { found(reservation: DurableReservation | undefined): void; giveUp(): void }): boolean {
    if (this.#open >= OPEN_MAX) return false
    this.#open++
    findReservation(this.#session, code).then(
      (reservation) => asker.found(reservation),
      () => asker.giveUp(),
    ).finally(() => { this.#open-- })
    return true
  }

  connectionState(): string {
    return this.#session.state.status
  }
}
