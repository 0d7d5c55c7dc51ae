import { NO_ROWS, row, type StatementTable, table } from './query-result.ts'

/** Settings, transactions, clocks, migrations: what every session says. */
export const SESSION_STATEMENTS: StatementTable = {
  'select pg_backend_pid() as pid, (select backend_start': (backend, [name, timeoutMs]) => {
    backend.applicationName = String(name)
    backend.statementTimeoutMs = Number(timeoutMs)
    // The driver's start-up message carries the name and the limit only; the session's settings are sent once more.
    backend.hasKeepalive = backend.hasSettings
    backend.hasSettings = true
    return row({ pid: backend.processId, started: backend.startedAt })
  },
  'select set_config(\'tcp_keepalives_idle\', \'10\', false)': (backend) => {
    backend.hasKeepalive = true
    return NO_ROWS
  },
  'select pg_terminate_backend(pid) from pg_stat_activity where pid = $1': (backend, [pid, startedAt]) => {
    const count = backend.postgres.terminate((other) => other.processId === pid && other.startedAt === startedAt)
    if (count > 0) backend.postgres.counters.add('predecessor session ended')
    return table(['pg_terminate_backend'], Array.from({ length: count }, () => [true]))
  },
  'select 1 from pg_stat_activity where datname': (backend, [name]) =>
    ([...backend.postgres.backends].some((other) => other.applicationName === name) ? row({ found: 1 }) : NO_ROWS),
  'select pg_backend_pid()': (backend) => row({ pid: backend.processId }),
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

  'select pg_advisory_lock(1835361121, 5)': async (backend) => {
    while (!backend.postgres.locks.tryTake('migrations', 'exclusive', backend, 'session')) await backend.pause(5)
    return NO_ROWS
  },
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
