import pg from 'pg'
import { type Connection, applicationNameIn, isDurabilityRequired, schemaOf } from './client-config.ts'
import { PersistenceError } from './persistence-error.ts'
import { schemaFaults } from './schema-faults.ts'

/** Which server process serves a connection; the start time tells it from a later one with its pid. */
export interface BackendIdentity {
  readonly processId: number
  /** Unix microseconds as text. */
  readonly startedAt: string
}

/** What differs between our sessions. */
export interface SessionNeeds {
  readonly applicationName: string
  /** The server's own limit for a statement; 0 is none. */
  readonly statementTimeoutMs: number
}

/** The driver's client, as far as pinning needs it; in a pool it has a name less than a client. */
interface Pinnable {
  query(text: string): Promise<unknown>
}

interface PinnedRow extends DurabilitySettings {
  readonly pid: number
  readonly started: string
  readonly schemaFaults: string | null
}

/** What decides whether the server keeps what it has committed. */
export interface DurabilitySettings {
  readonly fsync: string
  readonly fullPageWrites: string
  readonly synchronousCommit: string
}

/**
 * What our statements rest on, whatever the role, the database, the server or a pooler has as default:
 * - `synchronous_commit`: `on`, or `remote_apply`, which is more (see `pinsFor`);
 * - isolation: the fence is read in a statement after the one that takes it (migrations/0003_batches.sql);
 * - time limits: nothing but our own ends a statement, and nothing of ours waits for ever;
 * - forms of dates, numbers and text: what the driver parses, whole;
 * - `default_tablespace`: partitioned tables refuse one;
 * - `row_security` off: rows that a policy hides are an error then, not missing from a recovery;
 * - `client_min_messages`: the warning of a commit without its standby is heard;
 * - keep-alives: the locks of a client that is gone end with it.
 * What a version does not know is left out. `default_transaction_read_only` stays: it is an operator's way of saying no.
 */
const PINS: Readonly<Record<string, string>> = {
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  lock_timeout: '0',
  transaction_timeout: '0',
  idle_session_timeout: '0',
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '1',
  bytea_output: 'hex',
  array_nulls: 'on',
  transform_null_equals: 'off',
  default_tablespace: '',
  row_security: 'off',
  client_min_messages: 'warning',
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
}

/**
 * Pins a session that has just connected, in one round trip and by statements: a pooler in session mode refuses settings in
 * the start-up message that it does not know. Rejects with `unsafe_settings` where the connection requires durability.
 */
export async function pinSession(client: Pinnable, connection: Connection, needs: SessionNeeds): Promise<BackendIdentity> {
  const results = await client.query(pinsFor(connection, needs))
  const last = (Array.isArray(results) ? results.at(-1) : results) as { rows: PinnedRow[] } | undefined
  const row = last?.rows[0]
  if (row === undefined) throw new Error('the server did not answer the settings')
  // This session commits durably, whatever is configured: only what the server does to its files is looked at.
  const isUnsafe = unsafeSettings({ ...row, synchronousCommit: 'on' }).length > 0 || row.schemaFaults !== null
  if (isDurabilityRequired(connection) && isUnsafe) throw unsafeError(unsafeSettings(row), row.schemaFaults)
  return { processId: row.pid, startedAt: row.started }
}

/** The names of those settings with which a commit can be forgotten. */
export function unsafeSettings({ fsync, fullPageWrites, synchronousCommit }: DurabilitySettings): string[] {
  const settings = { fsync, full_page_writes: fullPageWrites, synchronous_commit: synchronousCommit }
  return Object.entries(settings).flatMap(([name, value]) => (value === 'off' ? [name] : []))
}

/** `faults` as `schemaFaults` tells them. */
export function unsafeError(names: readonly string[], faults: string | null = null): PersistenceError {
  const causes = [...(names.length > 0 ? [`with ${names.join(', ')} off`] : []), ...(faults === null ? [] : [`because ${faults}`])]
  return new PersistenceError('unsafe_settings', `a commit could be forgotten ${causes.join(' and ')}`)
}

/**
 * Two statements: a limit of the role, of a millisecond say, must not end the second. What is configured for
 * synchronous_commit is read before it is set; `off`, `local` and `remote_write` become `on`, which waits for all that the
 * server is configured to wait for.
 */
function pinsFor(connection: Connection, { applicationName, statementTimeoutMs }: SessionNeeds): string {
  const pins = {
    ...PINS,
    application_name: applicationNameIn(connection, applicationName),
    // Our own first; pg_temp last, so that nobody's temporary table stands before it.
    search_path: `${pg.escapeIdentifier(schemaOf(connection))}, pg_temp`,
    statement_timeout: String(statementTimeoutMs),
    idle_in_transaction_session_timeout: String(statementTimeoutMs),
  }
  const values = Object.entries(pins).map(([name, value]) => `(${pg.escapeLiteral(name)}, ${pg.escapeLiteral(value)})`)
  return `set statement_timeout = 0;
    select pg_backend_pid() as pid,
      (select (extract(epoch from backend_start) * 1000000)::bigint::text from pg_stat_activity where pid = pg_backend_pid()) as started,
      current_setting('fsync') as fsync, current_setting('full_page_writes') as "fullPageWrites",
      configured.synchronous_commit as "synchronousCommit",
      ${schemaFaults(`(select oid from pg_namespace where nspname = ${pg.escapeLiteral(schemaOf(connection))})`)} as "schemaFaults",
      (select count(set_config(name, value, false)) from (values ${values.join(', ')},
        ('synchronous_commit', case configured.synchronous_commit when 'remote_apply' then 'remote_apply' else 'on' end)) as pin(name, value)
       where current_setting(name, true) is not null) as pinned
    from (select current_setting('synchronous_commit') as synchronous_commit offset 0) as configured`
}
