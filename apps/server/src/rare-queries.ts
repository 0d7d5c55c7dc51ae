import { asPersistenceError, type Connection, isUnreplicatedCommit, pinSession, type SqlClient } from '@megacache/persistence'
import pg from 'pg'

/** How long a rare query waits for a connection, and then for its answer. */
const CONNECT_MS_MAX = 5_000
const ANSWER_MS_MAX = 30_000
const IDLE_MS_MAX = 30_000
const NO_ANSWER = 'the database did not answer a query'

/**
 * Connections for what is not on the request path: recovery, new sales, retention, look-ups. They come when
 * they are needed and go when they are idle.
 */
export class RareQueries {
  readonly #pool: pg.Pool
  /** Connections that committed without the synchronous standby. */
  readonly #unreplicated = new WeakSet<object>()

  constructor(connection: Connection, applicationName: string, connectionsMax: number, answerMsMax = ANSWER_MS_MAX) {
    this.#pool = new pg.Pool({
      ...(typeof connection === 'string' ? { connectionString: connection } : connection),
      max: connectionsMax,
      connectionTimeoutMillis: CONNECT_MS_MAX,
      idleTimeoutMillis: IDLE_MS_MAX,
      query_timeout: answerMsMax,
      keepAlive: true,
      // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it, which its types do not say
      onConnect: (client) => pinSession(client, connection, { applicationName, statementTimeoutMs: answerMsMax - 1_000 }),
    })
    // An idle connection that breaks is simply gone; the next query opens another. One that breaks in use says so
    // by its query as well, and without a listener of its own it would end the process.
    this.#pool.on('error', () => {})
    this.#pool.on('connect', (client) => {
      client.on('error', () => {})
      client.on('notice', (notice) => {
        if (isUnreplicatedCommit(notice)) this.#unreplicated.add(client)
      })
    })
  }

  /**
   * Runs a task on one connection. A connection whose task failed is not used again. Rejects with a `PersistenceError`: the
   * task's own, or `connection_lost` with what the driver or the server said. What was committed without the synchronous
   * standby may be forgotten, so that is a failure as well.
   */
  async run<T>(task: (client: SqlClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => { throw asPersistenceError(error, NO_ANSWER) })
    let failure: unknown
    try {
      const result = await task(client)
      if (this.#unreplicated.has(client)) throw new Error('the wait for the synchronous standby was cancelled')
      return result
    } catch (error) {
      failure = error
      throw asPersistenceError(error, NO_ANSWER)
    } finally {
      client.release(failure !== undefined)
    }
  }

  close(): Promise<void> {
    return this.#pool.end()
  }
}
