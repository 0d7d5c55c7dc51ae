import { Int32Column, SafeIntegerColumn, TimeColumn, UserColumn, type UserWords } from './binary-array.ts'
import { RowQueue } from './row-queue.ts'
import type { StatementFault, StatementPort, StatementValue } from './statement-port.ts'
import { type Timer, type Timers, nodeTimers } from './timers.ts'

/** One attempt to reserve, whatever came of it. */
export interface Attempt extends UserWords {
  readonly saleId: number
  readonly itemId: number
  /** Unix ms. */
  readonly attemptedAtMs: number
  /** `reserved` or the reason of the refusal. */
  readonly outcome: string
}

export interface AttemptLogOptions {
  readonly session: StatementPort
  /** Most attempts held in memory; further ones are dropped and counted. Default 65,536. */
  readonly capacity?: number
  /** Most attempts of one statement. Default 4,096. */
  readonly batchRowsMax?: number
  /** Pause between statements. Default 250 ms. */
  readonly flushEveryMs?: number
  readonly timers?: Timers
}

/** `written` are durable; `dropped` found no room, or were in a statement that failed. */
export interface AttemptLogCounts {
  readonly written: number
  readonly dropped: number
  readonly held: number
}

const APPEND = `
  insert into attempts (sale_id, attempted_at, user_id, item_id, outcome)
  select * from unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::integer[], $5::text[])`

/**
 * Appends attempts in bulk, off the path of any answer, in bounded memory. It is a log, not money:
 * what does not fit or fails is dropped and counted, never waited for. A statement in doubt counts
 * as dropped and is not repeated. Use a session of its own, so that no purchase waits behind it.
 */
export class AttemptLog {
  readonly #session: StatementPort
  readonly #batchRowsMax: number
  readonly #queue: RowQueue<Attempt>
  readonly #timer: Timer
  readonly #sales = new SafeIntegerColumn<Attempt>((attempt) => attempt.saleId)
  readonly #times = new TimeColumn<Attempt>((attempt) => attempt.attemptedAtMs)
  readonly #users = new UserColumn()
  readonly #items = new Int32Column<Attempt>((attempt) => attempt.itemId)
  #inFlight: readonly Attempt[] = []
  #hasTurn = false
  #onIdle: (() => void)[] = []
  #written = 0
  #dropped = 0

  constructor(options: AttemptLogOptions) {
    this.#session = options.session
    this.#batchRowsMax = options.batchRowsMax ?? 4_096
    this.#queue = new RowQueue(options.capacity ?? 65_536)
    this.#timer = (options.timers ?? nodeTimers).every(options.flushEveryMs ?? 250, () => this.#flush())
  }

  /** Keeps the attempt, or drops and counts it when there is no room. Never waits. */
  append(attempt: Attempt): void {
    if (this.#queue.length >= this.#queue.capacity) this.#dropped += 1
    else this.#queue.push(attempt, 0)
  }

  counts(): AttemptLogCounts {
    return { written: this.#written, dropped: this.#dropped, held: this.#queue.length + this.#inFlight.length }
  }

  /** Writes what is held, as long as that works, and ends. */
  async close(): Promise<void> {
    this.#timer.cancel()
    while (this.#hasTurn || (this.#queue.length > 0 && this.#session.state.status === 'connected')) {
      const idle = new Promise<void>((done) => {
        this.#onIdle.push(done)
      })
      this.#flush()
      await idle
    }
    this.#dropped += this.#queue.take(this.#queue.length).length
  }

  #flush(): void {
    if (this.#hasTurn || this.#queue.length === 0 || this.#session.state.status !== 'connected') return
    this.#hasTurn = true
    this.#session.execute(
      { name: 'megacache_append_attempts', text: APPEND, encode: () => this.#encode() },
      (failure) => this.#onResult(failure))
  }

  #encode(): readonly StatementValue[] {
    const rows = this.#queue.take(this.#batchRowsMax)
    this.#inFlight = rows
    const outcomes = rows.map(({ outcome }) => `"${outcome.replaceAll(/["\\]/g, '\\$&')}"`).join(',')
    return [
      this.#sales.encode(rows), this.#times.encode(rows), this.#users.encode(rows), this.#items.encode(rows),
      `{${outcomes}}`,
    ]
  }

  #onResult(failure: StatementFault | undefined): void {
    if (failure === undefined) this.#written += this.#inFlight.length
    else this.#dropped += this.#inFlight.length
    this.#inFlight = []
    this.#hasTurn = false
    for (const done of this.#onIdle.splice(0)) done()
    // A backlog does not wait for the next tick.
    if (failure === undefined && this.#queue.length >= this.#batchRowsMax) this.#flush()
  }
}
