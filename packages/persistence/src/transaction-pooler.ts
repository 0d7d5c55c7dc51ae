import pg from 'pg'
import { type Connection, clientConfig } from './client-config.ts'
import { PersistenceError } from './persistence-error.ts'
import type { Session } from './session.ts'

const OWN_PROCESS = 'select pg_backend_pid()'
const PROBE_TIMEOUT_MS = 2_000

/**
 * Rejects with `transaction_pooler` when the session does not own its server process: while a second
 * connection keeps a transaction open, a pooler in transaction mode gives it the process that we
 * used a moment ago and ours another, or makes us wait for one.
 */
export async function refuseTransactionPooler(session: Session, connection: Connection): Promise<void> {
  const before = await ownProcess(session)
  const second = new pg.Client(clientConfig(connection, {
    application_name: 'megacache/probe', connectionTimeoutMillis: PROBE_TIMEOUT_MS,
  }))
  second.on('error', () => {})
  await second.connect().catch((error: unknown) => {
    throw new PersistenceError('connection_lost', 'the second connection of the pooler probe failed', error)
  })
  try {
    await second.query('begin')
    const other = Number((await second.query<{ pid: number }>(`${OWN_PROCESS} as pid`)).rows[0]?.pid)
    const after = await ownProcess(session)
    if (after !== before || other === before) {
      throw new PersistenceError('transaction_pooler',
        'a pooler in transaction mode is in between: the lease needs a session of its own')
    }
  } finally {
    await second.end()
  }
}

async function ownProcess(session: Session): Promise<number> {
  return Number((await session.query('megacache_own_process', OWN_PROCESS))[0]?.[0])
}
