import pg from 'pg'
import { type Connection, clientConfig } from './client-config.ts'
import { PersistenceError } from './persistence-error.ts'
import type { Session } from './session.ts'
import { sqlStateOf } from './sql-state.ts'

const OWN_PROCESS = 'select pg_backend_pid()'
const PROBE_TIMEOUT_MS = 2_000
/** Our prepared statement is unknown to, or another's in, the server process that got it. */
const NOT_OUR_STATEMENT: readonly (string | undefined)[] = ['26000', '42P05']

/**
 * Rejects with `transaction_pooler` when the session does not own its server process: while a second
 * connection keeps a transaction open, a pooler in transaction mode gives it the process that we
 * used a moment ago and ours another, or makes us wait for one.
 */
export async function refuseTransactionPooler(session: Session, connection: Connection): Promise<void> {
  const before = await ownProcess(session)
  const second = new pg.Client(clientConfig(connection, {
    application_name: 'megacache/probe', connectionTimeoutMillis: PROBE_TIMEOUT_MS, query_timeout: PROBE_TIMEOUT_MS,
  }))
  second.on('error', () => {})
  await second.connect().catch((error: unknown) => {
    throw new PersistenceError('connection_lost', 'the connection of the pooler probe failed', error)
  })
  try {
    await second.query('begin')
    const other = Number((await second.query<{ pid: number }>(`${OWN_PROCESS} as pid`)).rows[0]?.pid)
    const after = await ownProcess(session)
    if (after !== before || other === before) throw pooled()
  } finally {
    await second.end()
  }
}

async function ownProcess(session: Session): Promise<number> {
  try {
    return Number((await session.query('megacache_own_process', OWN_PROCESS))[0]?.[0])
  } catch (error) {
    throw NOT_OUR_STATEMENT.includes(sqlStateOf(error)) ? pooled(error) : error
  }
}

function pooled(cause?: unknown): PersistenceError {
  return new PersistenceError('transaction_pooler',
    'a pooler in transaction mode is in between: the lease needs a session of its own', cause)
}
