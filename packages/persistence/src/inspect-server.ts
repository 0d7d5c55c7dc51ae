import { PersistenceError } from './persistence-error.ts'
import { unsafeError, unsafeSettings } from './session-pins.ts'
import type { SqlClient } from './sql-client.ts'

/** What a start must know of the server. */
export interface ServerFacts {
  /** As PostgreSQL numbers itself: 180004 is 18.4. */
  readonly versionNumber: number
  readonly version: string
  readonly fsync: string
  readonly fullPageWrites: string
  /** As configured for this role and database when it is off; our own sessions are pinned to more. */
  readonly synchronousCommit: string
  readonly isInRecovery: boolean
  readonly isReadOnly: boolean
  /** Names of the settings with which a commit can be forgotten; empty is what one wants. */
  readonly unsafeSettings: readonly string[]
}

const OLDEST_VERSION = 150_000

/**
 * Reads what decides whether a commit here is a promise. Rejects with `server_too_old`,
 * `server_read_only`, or `unsafe_settings` (not with `allowUnsafe`: the caller then says it aloud).
 */
export async function inspectServer(
  client: SqlClient, options: { readonly allowUnsafe?: boolean } = {},
): Promise<ServerFacts> {
  const { rows } = await client.query<Omit<ServerFacts, 'unsafeSettings'>>(`
    select current_setting('server_version_num')::int as "versionNumber",
      current_setting('server_version') as version,
      current_setting('fsync') as fsync,
      current_setting('full_page_writes') as "fullPageWrites",
      case current_setting('synchronous_commit') when 'off' then 'off'
        else (select reset_val from pg_settings where name = 'synchronous_commit') end as "synchronousCommit",
      pg_is_in_recovery() as "isInRecovery",
      current_setting('transaction_read_only')::bool as "isReadOnly"`)
  const row = rows[0]
  if (row === undefined) throw new PersistenceError('connection_lost', 'the server answered nothing')
  const facts: ServerFacts = { ...row, unsafeSettings: unsafeSettings(row) }
  if (facts.versionNumber < OLDEST_VERSION) {
    throw new PersistenceError('server_too_old', `PostgreSQL ${facts.version} is older than 15`)
  }
  if (facts.isInRecovery || facts.isReadOnly) {
    throw new PersistenceError('server_read_only', facts.isInRecovery
      ? 'the server is a standby, or still in recovery'
      : 'the database refuses writes: default_transaction_read_only is on, for this role, database or server')
  }
  if (facts.unsafeSettings.length > 0 && options.allowUnsafe !== true) {
    throw unsafeError(facts.unsafeSettings)
  }
  return facts
}
