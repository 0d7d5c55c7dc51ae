import pg from 'pg'
import { type Connection, applicationNameIn, clientConfig } from './client-config.ts'
import { PersistenceError } from './persistence-error.ts'
import { asPersistenceError } from './server-refusal.ts'
import type { Session } from './session.ts'
import { sqlStateOf } from './sql-state.ts'

const OWN_PROCESS = 'select pg_backend_pid()'
const CONNECT_MS_MAX = 5_000
const PROBE_TIMEOUT_MS = 2_000
/** The role's own limits, a millisecond say, must not end it while it waits; what is set ends with the transaction. */
const BEGIN = 'begin; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0'
/** What a pooler in statement mode says to a transaction: it breaks the protocol. */
const NO_TRANSACTIONS = '08P01'
/** Our prepared statement is unknown to, or another's in, the server process that got it. */
const NOT_OUR_STATEMENT: readonly (string | undefined)[] = ['26000', '42P05']

/**
 * Rejects with `transaction_pooler` when the session does not own its server process: while a second
 * connection keeps a transaction open, a pooler in transaction mode gives it the process that we
 * used a moment ago and ours another, or makes us wait for one.
 */
export async function refuseTransactionPooler(session: Pick<Session, 'query'>, connection: Connection): Promise<void> {
  const before = await ownProcess(session)
  // One that takes its server processes in turn is seen without the second connection.
  if (await ownProcess(session) !== before) throw pooled()
  const second = probe(connection)
  await second.connect().catch((error: unknown) => {
    throw new PersistenceError('connection_lost', 'the connection of the pooler probe failed', error)
  })
  try {
    await second.query(BEGIN).catch((error: unknown) => {
      throw sqlStateOf(error) === NO_TRANSACTIONS ? pooled(error) : error
    })
    const other = await processOf(second)
    const after = await ownProcess(session)
    if (after !== before || other === before) throw pooled()
  } finally {
    await second.end()
  }
}

async function ownProcess(session: Pick<Session, 'query'>): Promise<number> {
  try {
    return Number((await session.query('megacache_own_process', OWN_PROCESS))[0]?.[0])
  } catch (error) {
    throw NOT_OUR_STATEMENT.includes(sqlStateOf(error)) ? pooled(error) : error
  }
}

/**
 * The same before a session has been set to anything: what is set or locked through a pooler in transaction mode stays with a
 * server process that others get. Rejects with `transaction_pooler` or `connection_lost`.
 */
export async function refusePooler(connection: Connection): Promise<void> {
  const first = probe(connection)
  try {
    await first.connect()
    const query = async (): Promise<number[][]> => [[await processOf(first)]]
    await refuseTransactionPooler({ query }, connection)
  } catch (error) {
    throw asPersistenceError(error, 'the database cannot be reached')
  } finally {
    await first.end().catch(() => {})
  }
}

function probe(connection: Connection): pg.Client {
  const client = new pg.Client(clientConfig(connection, {
    application_name: applicationNameIn(connection, 'megacache/probe'), connectionTimeoutMillis: CONNECT_MS_MAX, query_timeout: PROBE_TIMEOUT_MS,
  }))
  client.on('error', () => {})
  return client
}

async function processOf(client: pg.Client): Promise<number> {
  return Number((await client.query<{ pid: number }>(`${OWN_PROCESS} as pid`)).rows[0]?.pid)
}

function pooled(cause?: unknown): PersistenceError {
  return new PersistenceError('transaction_pooler',
    'a pooler in transaction mode is in between: the lease needs a session of its own', cause)
}
