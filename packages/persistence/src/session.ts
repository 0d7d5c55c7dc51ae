import type { Connection } from './client-config.ts'
import { type MonotonicClock, processClock } from './clock.ts'
import { PersistenceError } from './persistence-error.ts'
import { PgConnection, fault } from './pg-connection.ts'
import type { BackendIdentity } from './session-pins.ts'
import type {
  ConnectionState, Statement, StatementCallback, StatementFault, StatementPort, StatementRows,
  StatementValue,
} from './statement-port.ts'
import { type Timer, type Timers, nodeTimers } from './timers.ts'

export interface SessionOptions {
  readonly connection: Connection
  /** Tag of the session in pg_stat_activity; a take-over ends sessions by it. At most 63 bytes. */
  readonly applicationName: string
  /** How long the client waits for an answer before it destroys the connection. Default 10,000 ms. */
  readonly watchdogMs?: number
  /** The server's own limit for a statement; must be below the watchdog. Default 8,000 ms. */
  readonly statementTimeoutMs?: number
  /** First and longest pause before connecting again. Default 50 and 1,000 ms. */
  readonly backoffMinMs?: number
  readonly backoffMaxMs?: number
  /** Told of each attempt to connect that failed. */
  readonly onRefused?: (error: Error) => void
  readonly clock?: MonotonicClock
  readonly timers?: Timers
}

/** A connection that comes back by itself. All calls belong to the thread that created it. */
export interface Session extends StatementPort {
  /** The error of the last lost connection or failed attempt to connect. */
  readonly lastError: Error | undefined
  /** The server process of the present connection. */
  readonly processId: number | undefined
  /** Resolves once connected; rejects with the last error after `withinMs`, or when closed. */
  connected(withinMs: number): Promise<void>
  /** One statement as a promise, for rare uses; rejects with the fault's error. */
  query(name: string, text: string, values?: readonly StatementValue[]): Promise<StatementRows>
  /** Lets the statement in flight end (at most until the watchdog), then closes for good. */
  close(): Promise<void>
}

interface Waiting {
  readonly statement: Statement
  readonly callback: StatementCallback
}

/**
 * Opens a session; it connects in the background.
 *
 *     connecting --ok--> connected --broken, timed out--> lost --back-off--> connecting
 *     any --close()--> closed
 */
export function createSession(options: SessionOptions): Session {
  return new ReconnectingSession(options)
}

class ReconnectingSession implements Session {
  readonly #options: SessionOptions
  readonly #clock: MonotonicClock
  readonly #timers: Timers
  readonly #watchdogMs: number
  readonly #statementTimeoutMs: number
  readonly #backoffMinMs: number
  readonly #backoffMaxMs: number
  readonly #listeners = new Set<(state: ConnectionState) => void>()
  readonly #waiting: Waiting[] = []
  readonly #watchdog: Timer

  #state: ConnectionState
  #lastError: Error | undefined
  #connection: PgConnection | undefined
  /** The last one that statements were sent on, until it is known to be ended. */
  #predecessor: BackendIdentity | undefined
  /** When the statement in flight, or the attempt to connect, began. */
  #busySinceMs: number | undefined
  #isInFlight = false
  #lookedAtMs: number
  #hasSkippedLook = false
  #backoffMs: number
  #connectedAtMs = 0
  #retry: Timer | undefined
  #isClosing = false
  #onIdle: (() => void) | undefined

  constructor(options: SessionOptions) {
    this.#options = options
    this.#clock = options.clock ?? processClock
    this.#timers = options.timers ?? nodeTimers
    this.#watchdogMs = options.watchdogMs ?? 10_000
    this.#statementTimeoutMs = options.statementTimeoutMs ?? 8_000
    if (!(this.#statementTimeoutMs > 0 && this.#statementTimeoutMs < this.#watchdogMs)) {
      throw new RangeError('statementTimeoutMs must be above 0 and below watchdogMs')
    }
    this.#backoffMinMs = options.backoffMinMs ?? 50
    this.#backoffMaxMs = options.backoffMaxMs ?? 1_000
    this.#backoffMs = this.#backoffMinMs
    this.#lookedAtMs = this.#clock.nowMs()
    this.#state = { status: 'lost', sinceMs: this.#lookedAtMs }
    this.#watchdog = this.#timers.every(this.#watchdogMs / 10, () => this.#watch())
    this.#connect()
  }

  get state(): ConnectionState {
    return this.#state
  }

  get lastError(): Error | undefined {
    return this.#lastError
  }

  get processId(): number | undefined {
    return this.#state.status === 'connected' ? this.#connection?.identity?.processId : undefined
  }

  subscribe(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  connected(withinMs: number): Promise<void> {
    return new Promise((done, fail) => {
      const finish = (error?: Error): void => {
        stop()
        timer.cancel()
        if (error === undefined) done()
        else fail(error)
      }
      const look = (state: ConnectionState): void => {
        if (state.status === 'connected') finish()
        else if (state.status === 'closed') finish(closedError())
      }
      const stop = this.subscribe(look)
      const timer = this.#timers.after(withinMs, () => finish(new PersistenceError(
        'connection_lost', `no connection within ${withinMs} ms`, this.#lastError)))
      look(this.#state)
    })
  }

  query(name: string, text: string, values: readonly StatementValue[] = []): Promise<StatementRows> {
    return new Promise((done, fail) => {
      this.execute({ name, text, encode: () => values }, (failure, rows) => {
        if (failure === undefined) done(rows)
        else fail(failure.error)
      })
    })
  }

  execute(statement: Statement, callback: StatementCallback): void {
    if (this.#state.status !== 'connected' || this.#isClosing) {
      const error = this.#isClosing ? closedError()
        : new PersistenceError('connection_lost', 'there is no connection', this.#lastError)
      queueMicrotask(() => callback(fault('not_sent', error), []))
      return
    }
    this.#waiting.push({ statement, callback })
    if (!this.#isInFlight) this.#sendNext()
  }

  async close(): Promise<void> {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#retry?.cancel()
    if (this.#isInFlight) await new Promise<void>((idle) => { this.#onIdle = idle })
    this.#watchdog.cancel()
    const connection = this.#connection
    this.#connection = undefined
    const isConnected = this.#state.status === 'connected'
    this.#change({ status: 'closed' })
    this.#refuseWaiting(closedError())
    if (isConnected) await connection?.end()
    else connection?.destroy(closedError())
  }

  #connect(): void {
    this.#busySinceMs = this.#clock.nowMs()
    const connection = new PgConnection(
      this.#options.connection, (error) => this.#onLost(connection, error))
    this.#connection = connection
    const { applicationName } = this.#options
    connection.open({ applicationName, statementTimeoutMs: this.#statementTimeoutMs }, this.#predecessor)
      .then(() => this.#onConnected(connection), (error: Error) => connection.destroy(error))
  }

  #onConnected(connection: PgConnection): void {
    if (this.#connection !== connection || this.#isClosing) return
    this.#predecessor = undefined
    this.#busySinceMs = undefined
    this.#connectedAtMs = this.#clock.nowMs()
    this.#change({ status: 'connected' })
  }

  #onLost(connection: PgConnection, error: Error): void {
    if (this.#connection !== connection) return
    this.#lastError = error
    this.#connection = undefined
    this.#busySinceMs = undefined
    const nowMs = this.#clock.nowMs()
    const wasConnected = this.#state.status === 'connected'
    // One that breaks before it was of use leaves nothing, and may not have ended the one before it.
    if (wasConnected) this.#predecessor = connection.identity
    // Only a connection that breaks again soon is worth a longer pause.
    if (wasConnected && nowMs - this.#connectedAtMs > this.#backoffMaxMs) this.#backoffMs = this.#backoffMinMs
    this.#retry = this.#timers.after(this.#backoffMs, () => {
      if (!this.#isClosing) this.#connect()
    })
    this.#backoffMs = Math.min(this.#backoffMaxMs, 2 * this.#backoffMs)
    if (wasConnected) this.#change({ status: 'lost', sinceMs: nowMs })
    else this.#options.onRefused?.(error)
    this.#refuseWaiting(error)
  }

  #sendNext(): void {
    const next = this.#waiting.shift()
    const connection = this.#connection
    if (next === undefined || connection === undefined) return
    this.#isInFlight = true
    this.#busySinceMs = this.#clock.nowMs()
    connection.run(next.statement, (failure, rows) => this.#onResult(next, failure, rows))
  }

  #onResult(done: Waiting, failure: StatementFault | undefined, rows: StatementRows): void {
    this.#isInFlight = false
    this.#busySinceMs = undefined
    if (failure === undefined) this.#backoffMs = this.#backoffMinMs
    // The server works on the next statement while this thread deals with the rows of the last one.
    if (failure === undefined || failure.delivery === 'answered') this.#sendNext()
    done.callback(failure, rows)
    if (!this.#isInFlight) this.#onIdle?.()
  }

  #refuseWaiting(error: Error): void {
    for (const { callback } of this.#waiting.splice(0)) callback(fault('not_sent', error), [])
  }

  #watch(): void {
    const nowMs = this.#clock.nowMs()
    const isLate = nowMs - this.#lookedAtMs > this.#watchdogMs / 5
    this.#lookedAtMs = nowMs
    // After a pause of the thread timers run before sockets are read: an answer may be there. One look is left out, never two in
    // a row, so a thread that is always slow has a watchdog too.
    this.#hasSkippedLook = isLate && !this.#hasSkippedLook
    const since = this.#busySinceMs
    if (this.#hasSkippedLook || since === undefined || nowMs - since < this.#watchdogMs) return
    this.#connection?.destroy(new PersistenceError(
      'watchdog_timeout', `no answer from the database within ${this.#watchdogMs} ms`))
  }

  #change(state: ConnectionState): void {
    this.#state = state
    for (const listener of this.#listeners) listener(state)
  }
}

function closedError(): PersistenceError {
  return new PersistenceError('session_closed', 'the session was closed')
}
