import { AttemptLog, type Connection, createSession, type Session } from '@megacache/persistence'

/** Keeps every attempt to reserve (`ATTEMPT_LOG=on`), on a connection of its own: no answer waits for it. */
export class Attempts {
  readonly #session: Session
  readonly #log: AttemptLog

  constructor(connection: Connection, applicationName: string) {
    this.#session = createSession({ connection, applicationName })
    this.#log = new AttemptLog({ session: this.#session })
  }

  append(saleId: number, userLow: number, userHigh: number, itemId: number, outcome: string): void {
    this.#log.append({ saleId, userLow, userHigh, itemId, outcome, attemptedAtMs: Date.now() })
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
