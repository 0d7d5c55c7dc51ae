import { AttemptLog, type Connection, createSession, type Session } from '@megacache/persistence'

/** Keeps every attempt to reserve (`ATTEMPT_LOG=on`), on a connection of its own: no answer waits for it. */
export class Attempts {
  readonly #session: Session
  readonly #log: AttemptLog
  readonly #databaseMs: () => number

  /** `databaseMs`: the time of the database's clock, which all stored times are on. */
  constructor(connection: Connection, applicationName: string, databaseMs: () => number) {
    this.#databaseMs = databaseMs
    this.#session = createSession({ connection, applicationName })
    this.#log = new AttemptLog({ session: this.#session })
  }

  append(saleId: number, userLow: number, userHigh: number, itemId: number, outcome: string): void {
    this.#log.append({ saleId, userLow, userHigh, itemId, outcome, attemptedAtMs: this.#databaseMs() })
  }

  /** Attempts that found no room, or whose statement failed. */
  get dropped(): number {
    return this.#log.counts().dropped
  }

  async close(): Promise<void> {
    await this.#log.close()
    await this.#session.close()
  }
}
