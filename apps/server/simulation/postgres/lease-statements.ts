import type { Backend } from './backend.ts'
import { SqlError } from './sql-error.ts'
import { NO_ROWS, row, type StatementTable, table } from './query-result.ts'

const FENCE = 'fence'
const HOLDER = 'holder'
const LEASE_ROW = 'lease row'
const DURABLE = { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on', schema_faults: null }
const TAGGED = /^megacache\/[0-9]+\//

/** The statements of persistence's lease.ts, and migrations/0004_lease.sql. */
export const LEASE_STATEMENTS: StatementTable = {
  'select pg_try_advisory_lock(\'lease\'::regclass::oid::integer, 3)': (backend) => {
    return row({ got: backend.postgres.locks.tryTake(HOLDER, 'exclusive', backend, 'session') })
  },

  'select epoch, holder, renewed_at::text': (backend) => {
    const { epoch, holder, renewedAtMs } = backend.postgres.lease.read(backend.transaction, backend.snapshot())
    return row({ epoch: String(epoch), holder, renewedAt: renewedAtMs === null ? null : String(renewedAtMs) })
  },

  'select megacache_end_tagged_sessions()': (backend) => row({ count: endTagged(backend) }),

  'with silent as materialized (': (backend, [renewedAt]) => {
    const { postgres, transaction } = backend
    backend.mayWrite()
    const { renewedAtMs } = postgres.lease.read(transaction, backend.snapshot())
    if ((renewedAtMs === null ? null : String(renewedAtMs)) !== renewedAt) return NO_ROWS
    if (!postgres.locks.tryTake(LEASE_ROW, 'exclusive', backend, 'transaction')) {
      postgres.counters.add('silent holder found renewing')
      return NO_ROWS
    }
    // The lock of a row is written to it.
    transaction.hasWritten = true
    return row({ count: endTagged(backend) })
  },

  'select megacache_take_lease($1, $2)': async (backend, values) => row(await takeLease(backend, values)),
  'select megacache_take_lease($1, $2), current_setting': async (backend, values) => row({ ...await takeLease(backend, values), ...DURABLE }),

  'select set_config(\'application_name\', $1, false)': (backend, [name]) => {
    backend.applicationName = String(name)
    return row({ set_config: name })
  },

  'update lease set renewed_at': async (backend, [epoch]) => {
    const lease = await lockLease(backend, epoch)
    if (lease === undefined) return NO_ROWS
    backend.postgres.lease.write({ ...lease, renewedAtMs: backend.wallMs() }, backend.transaction)
    return row({ ms: backend.wallMs(), ...DURABLE })
  },

  'update lease set holder = null': async (backend, [epoch]) => {
    const lease = await lockLease(backend, epoch)
    if (lease !== undefined) backend.postgres.lease.write({ ...lease, holder: null }, backend.transaction)
    return table([], [])
  },
}

async function takeLease(backend: Backend, [holder, waitMs]: readonly unknown[]): Promise<{ epoch: string }> {
  const { postgres, transaction } = backend
  if (!postgres.locks.isHeld(HOLDER, backend)) throw new SqlError('55000', 'this session does not hold the holder lock')
  const limitBefore = backend.lockTimeoutMs
  backend.lockTimeoutMs = Number(waitMs)
  try {
    if (postgres.protections.fence) await backend.lock(FENCE, 'exclusive')
    await backend.lock(LEASE_ROW, 'exclusive')
  } finally {
    backend.lockTimeoutMs = limitBefore
  }
  backend.mayWrite()
  const epoch = postgres.lease.read(transaction, backend.snapshot()).epoch + 1
  postgres.lease.write({ epoch, holder: String(holder), renewedAtMs: backend.wallMs() }, transaction)
  postgres.trace.add('postgres', `epoch ${epoch} for ${String(holder)}`)
  return { epoch: String(epoch) }
}

/** Returns how many sessions there were, as text. */
function endTagged(backend: Backend): string {
  const count = backend.postgres.terminate((other) => other !== backend && TAGGED.test(other.applicationName))
  if (count > 0) backend.postgres.counters.add('sessions of an old epoch ended')
  return String(count)
}

/** The newest lease row if it has this epoch, locked. */
async function lockLease(backend: Backend, epoch: unknown): Promise<{ epoch: number, holder: string | null, renewedAtMs: number | null } | undefined> {
  const { lease } = backend.postgres
  backend.mayWrite()
  const isOurs = (): boolean => String(lease.read(backend.transaction, backend.snapshot()).epoch) === String(epoch)
  if (!isOurs()) return undefined
  await backend.lock(LEASE_ROW, 'exclusive')
  return isOurs() ? lease.read(backend.transaction, backend.snapshot()) : undefined
}
