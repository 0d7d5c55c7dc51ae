import { Socket } from 'node:net'
import pg from 'pg'
import { type Connection, clientConfig } from './client-config.ts'
import { PersistenceError } from './persistence-error.ts'
import { isUnreplicatedCommit } from './replication-notice.ts'
import { sqlStateOf } from './sql-state.ts'
import type {
  Delivery, Statement, StatementCallback, StatementFault, StatementRows,
} from './statement-port.ts'

/** Which server process serves a connection; the start time tells it from a later one with its pid. */
export interface BackendIdentity {
  readonly processId: number
  readonly startedAt: string
}

/** What a connection is set to before its first statement. */
export interface ConnectionSettings {
  readonly applicationName: string
  readonly statementTimeoutMs: number
}

const SETTINGS: string = `
  select pg_backend_pid() as pid,
    (select backend_start::text from pg_stat_activity where pid = pg_backend_pid()) as started,
    set_config('application_name', $1, false),
    set_config('statement_timeout', $2, false),
    set_config('lock_timeout', '0', false),
    set_config('idle_in_transaction_session_timeout', $2, false),
    set_config('default_transaction_isolation', 'read committed', false),
    set_config('client_min_messages', 'warning', false),
    set_config('tcp_keepalives_idle', '10', false),
    set_config('tcp_keepalives_interval', '5', false),
    set_config('tcp_keepalives_count', '3', false)`

// The transaction of a broken connection may still run, or wait for a Sync that never comes, holding the
// locks that its rows' resend would wait for.
const END_PREDECESSOR =
  `select pg_terminate_backend(pid) from pg_stat_activity
   where pid = $1 and backend_start = $2::timestamptz`

/** A server that does not close within this time after our goodbye is cut off. */
const GOODBYE_MS = 1_000

/**
 * One physical connection, never revived: after a failure it is destroyed and another is opened.
 * The result of a statement is reported only after the server said that it is ready again: its
 * transaction is then over, and an error reported there is final.
 */
export class PgConnection {
  readonly #client: pg.Client
  readonly #socket: Socket
  readonly #onEnd: (error: Error) => void
  #callback: StatementCallback | undefined
  #refusal: Error | undefined
  #isUnreplicated = false
  #isEnded = false
  #identity: BackendIdentity | undefined

  /** `onEnd` is called once when the connection is gone, before the fault of a statement in flight. */
  constructor(connection: Connection, onEnd: (error: Error) => void) {
    this.#onEnd = onEnd
    this.#socket = new Socket()
    this.#client = new pg.Client(clientConfig(connection, {
      stream: () => this.#socket,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    }))
    this.#client.on('error', (error) => this.destroy(error))
    this.#client.on('end', () => this.destroy(new Error('the server closed the connection')))
    this.#client.on('drain', () => this.#settleRefusal())
    this.#client.on('notice', (notice) => {
      if (isUnreplicatedCommit(notice)) this.#isUnreplicated = true
    })
  }

  /** The server process, once `open` has resolved. */
  get identity(): BackendIdentity | undefined {
    return this.#identity
  }

  /** Connects and applies the settings, after ending the server process that a lost connection left. */
  async open(settings: ConnectionSettings, predecessor: BackendIdentity | undefined): Promise<void> {
    await this.#client.connect()
    const timeout = String(settings.statementTimeoutMs)
    const result = await this.#client.query<{ pid: number, started: string }>(
      SETTINGS, [settings.applicationName, timeout])
    const row = result.rows[0]
    if (row === undefined) throw new Error('the server did not answer the settings')
    this.#identity = { processId: row.pid, startedAt: row.started }
    if (predecessor !== undefined) {
      // A role that may not do it (class 42) loses only time: the server's own time limits end the process later.
      // After any other error the next connection tries it: nothing may be sent again before it.
      await this.#client.query(END_PREDECESSOR, [predecessor.processId, predecessor.startedAt]).catch(
        (error: unknown) => {
          if (this.#isEnded || sqlStateOf(error)?.startsWith('42') !== true) throw error
        })
    }
  }

  /** Sends one statement. There must be none in flight. */
  run(statement: Statement, callback: StatementCallback): void {
    this.#callback = callback
    this.#refusal = undefined
    this.#isUnreplicated = false
    const { name, text } = statement
    const values = [...statement.encode()]
    this.#client.query({ name, text, values, rowMode: 'array' }, (error: Error | null, result) => {
      if (this.#isEnded) return
      // The driver calls back on an error before the server is ready again: wait for `drain`.
      if (error !== null && error !== undefined) this.#refusal = error
      else if (this.#isUnreplicated) {
        this.#settle(fault('unreplicated', new Error('the wait for the synchronous standby was cancelled')))
      } else this.#settle(undefined, result.rows)
    })
  }

  #settleRefusal(): void {
    const error = this.#refusal
    if (error === undefined || this.#callback === undefined) return
    this.#refusal = undefined
    this.#settle(fault('answered', error))
  }

  #settle(failure: StatementFault | undefined, rows: StatementRows = []): void {
    const callback = this.#callback
    this.#callback = undefined
    callback?.(failure, rows)
  }

  /** Cuts the connection at once; a statement in flight gets `unanswered`. Harmless when repeated. */
  destroy(error: Error): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#socket.destroy()
    // A FATAL's SQLSTATE says more than the closed socket that follows it.
    const cause = this.#refusal ?? error
    this.#onEnd(cause)
    this.#settle(fault('unanswered', cause))
  }

  /** Says goodbye and closes; for a connection with nothing in flight. */
  async end(): Promise<void> {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#socket.setTimeout(GOODBYE_MS, () => this.#socket.destroy())
    await this.#client.end()
    this.#onEnd(new PersistenceError('session_closed', 'the session was closed'))
  }
}

/** Describes a failure of the driver or the server. */
export function fault(delivery: Delivery, error: Error): StatementFault {
  return { delivery, sqlState: sqlStateOf(error), error }
}
