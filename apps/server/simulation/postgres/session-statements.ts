import { NO_ROWS, row, type StatementTable, table } from './query-result.ts'

/** Settings, transactions, clocks, migrations: what every session says. */
export const SESSION_STATEMENTS: StatementTable = {
  // What the driver's start-up message carries.
  'start-up': (backend, [name]) => {
    backend.applicationName = String(name)
    return NO_ROWS
  },
  'set statement_timeout = 0; select pg_backend_pid() as pid': (backend, _values, text) => {
    const pinned = (name: string): string => new RegExp(`\\('${name}', '([^']*)'\\)`).exec(text)?.[1] ?? ''
    backend.applicationName = pinned('application_name')
    backend.statementTimeoutMs = Number(pinned('statement_timeout'))
    backend.hasKeepalive = true
    return row({ pid: backend.processId, started: backend.startedAt, fsync: 'on', fullPageWrites: 'on', synchronousCommit: 'on', schemaFaults: null })
  },
  'select pg_terminate_backend(pid) from pg_stat_activity where pid = $1': (backend, [pid, startedAt]) => {
    const count = backend.postgres.terminate((other) => other.processId === pid && other.startedAt === startedAt)
    if (count > 0) backend.postgres.counters.add('predecessor session ended')
    return table(['pg_terminate_backend'], Array.from({ length: count }, () => [true]))
  },
  'select 1 from pg_stat_activity where datname': (backend, [instanceId]) =>
    ([...backend.postgres.backends].some((other) => other.applicationName === `megacache/pending/${String(instanceId)}`) ? row({ found: 1 }) : NO_ROWS),
  'select pg_backend_pid()': (backend) => row({ pid: backend.processId }),
  // The pooler probe's; its limits matter to nobody here.
  'begin; set local': (backend) => {
    backend.begin(false)
    return NO_ROWS
  },
  begin: (backend) => {
    backend.begin(false)
    return NO_ROWS
  },
  'begin isolation level repeatable read read only': (backend) => {
    backend.begin(true)
    return NO_ROWS
  },
  commit: (backend) => {
    backend.endTransaction(true)
    return NO_ROWS
  },
  rollback: (backend) => {
    backend.endTransaction(false)
    return NO_ROWS
  },
  'set lock_timeout = ': (backend) => {
    backend.lockTimeoutMs = 2_000
    return NO_ROWS
  },
  'reset lock_timeout': (backend) => {
    backend.lockTimeoutMs = 0
    return NO_ROWS
  },
  'select (extract(epoch from clock_timestamp()) * 1000)::float8': (backend) => row({ ms: backend.wallMs() }),
  'select current_setting(\'server_version_num\')': ({ postgres }) => row({
    versionNumber: 180_004, version: '18.4', fsync: 'on', fullPageWrites: 'on', synchronousCommit: 'on',
    isInRecovery: false, isReadOnly: postgres.isReadOnly,
  }),

  'select pg_advisory_xact_lock(1835361121,': async (backend) => {
    await backend.lock('migrations', 'exclusive')
    return NO_ROWS
  },
  'select n.oid is not null as "isThere"': ({ postgres }) => row({
    isThere: true, mayUse: true, isOwner: true, owner: 'app', mayCreate: true, isReadOnly: postgres.isReadOnly, isInRecovery: false,
    schema: 'megacache', database: 'app', role: 'app',
  }),
  'create table if not exists megacache_migrations': () => NO_ROWS,
  'select name, checksum from megacache_migrations': ({ postgres }) =>
    table(['name', 'checksum'], postgres.migrations.map(({ name, checksum }) => [name, checksum])),
  // The text of a migration: its procedures are written again here.
  '-- ': () => NO_ROWS,
  'insert into megacache_migrations': ({ postgres, transaction }, [name, checksum]) => {
    const added = { name: String(name), checksum: String(checksum) }
    postgres.migrations.push(added)
    transaction.wrote(() => { postgres.migrations.splice(postgres.migrations.indexOf(added), 1) })
    return NO_ROWS
  },
}
