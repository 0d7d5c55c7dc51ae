import { Socket } from 'node:net'
import pg from 'pg'
import { type Connection, clientConfig } from './client-config.ts'
import { PersistenceError } from './persistence-error.ts'
import { isUnreplicatedCommit } from './replication-notice.ts'
import { type BackendIdentity, type SessionNeeds, pinSession } from './session-pins.ts'
import { sqlStateOf } from './sql-state.ts'
import type {
  Delivery, Statement, StatementCallback, StatementFault, StatementRows,
} from './statement-port.ts'

// The transaction of a broken connection may still run, or wait for a Sync that never comes, holding the
// locks that its rows' resend would wait for.
const END_PREDECESSOR =
  `select pg_terminate_backend(pid) from pg_stat_activity
   where pid = $1 and (extract(epoch from backend_start) * 1000000)::bigint = $2`

/** A server that does not close within this time after our goodbye is cut off. */
const GOODBYE_MS = 1_000

/**
 * One physical connection, never revived: after a failure it is destroyed and another is opened.
 * The result of a statement is reported only after the server said that it is ready again: its
 * transaction is then over, and an error reported there is final.
 */
export class PgConnection {
  readonly #connection: Connection
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
    this.#connection = connection
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

  /** Connects and pins the session, then ends the server process that a lost connection left. */
  async open(needs: SessionNeeds, predecessor: BackendIdentity | undefined): Promise<void> {
    await this.#client.connect()
    this.#identity = await pinSession(this.#client, this.#connection, needs)
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
