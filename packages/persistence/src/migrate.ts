import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import type pg from 'pg'
import { type Connection, schemaOf } from './client-config.ts'
import { openClient } from './open-client.ts'
import { PersistenceError } from './persistence-error.ts'
import { asPersistenceError } from './server-refusal.ts'
import { sqlStateOf } from './sql-state.ts'
import { refusePooler } from './transaction-pooler.ts'

/** The numbered files of this package; the same place seen from src/ and from dist/. */
const MIGRATIONS = new URL('../migrations/', import.meta.url)

/** How long a start waits for another start that is migrating, and for its own migrations. */
const LOCK_MS_MAX = 30_000
const MIGRATION_MS_MAX = 600_000

interface Migration {
  readonly name: string
  readonly text: string
  readonly checksum: string
}

/**
 * Brings our schema to this version: each numbered file once, in order, all of them in one transaction under a lock that ends
 * with it, so that two processes may start at once and a refusal leaves nothing behind. Returns the names it applied.
 * Rejects with `transaction_pooler` (before anything is set or locked), `missing_privilege`, `server_read_only`,
 * `unsafe_settings`, `migration_changed`, `migration_unknown`, `migration_failed` or `connection_lost`.
 */
export async function migrate(connection: Connection): Promise<{ applied: string[] }> {
  const schema = schemaOf(connection)
  const files = await readMigrations()
  await refusePooler(connection)
  const client = await openClient(connection, { applicationName: 'megacache/migrate', answerMs: LOCK_MS_MAX })
  try {
    await client.query('begin')
    // The table whose oid keys our other locks is not there yet.
    await client.query('select pg_advisory_xact_lock(1835361121, hashtext($1))', [schema])
    await createSchema(client, schema)
    const applied = await applyMissing(client, files)
    await client.query('commit')
    return { applied }
  } catch (error) {
    throw asPersistenceError(error, 'the database failed before its schema was up to date')
  } finally {
    // Whatever is open is rolled back with the session.
    await client.end()
  }
}

/** Makes the schema where it is missing, and says in one line what to grant where a right is. */
async function createSchema(client: pg.Client, schema: string): Promise<void> {
  const { rows } = await client.query<SchemaFacts>(`
    select n.oid is not null as "isThere", has_schema_privilege(n.oid, 'usage') and has_schema_privilege(n.oid, 'create') as "mayUse",
      pg_has_role(c.relowner, 'usage') as "isOwner", quote_ident(pg_get_userbyid(c.relowner)) as owner,
      has_database_privilege(current_database(), 'create') as "mayCreate",
      current_setting('transaction_read_only')::bool as "isReadOnly", pg_is_in_recovery() as "isInRecovery",
      quote_ident($1) as schema, quote_ident(current_database()) as database, quote_ident(current_user) as role
    from (select $1::name as name) as wanted
    left join pg_namespace n on n.nspname = wanted.name
    left join pg_class c on c.relnamespace = n.oid and c.relname = 'lease'`, [schema])
  const facts = rows[0]
  if (facts === undefined) return
  const problem = problemOf(facts)
  if (problem !== undefined) throw new PersistenceError(facts.isReadOnly ? 'server_read_only' : 'missing_privilege', problem)
  if (!facts.isThere) await client.query(`create schema ${facts.schema}`)
}

/** Names are quoted where they need it. Of the schema and its tables null where they are not there. */
interface SchemaFacts {
  readonly isThere: boolean
  readonly mayUse: boolean | null
  readonly isOwner: boolean | null
  readonly owner: string | null
  readonly mayCreate: boolean
  readonly isReadOnly: boolean
  readonly isInRecovery: boolean
  readonly schema: string
  readonly database: string
  readonly role: string
}

function problemOf(facts: SchemaFacts): string | undefined {
  const { schema, database, role, owner } = facts
  if (facts.isInRecovery) return 'the server is a standby, or still in recovery'
  if (facts.isReadOnly) {
    return `the database refuses writes: ALTER ROLE ${role} SET default_transaction_read_only = off, or of the database or the server, whichever has it on`
  }
  if (!facts.isThere) {
    return facts.mayCreate ? undefined : `the role ${role} may not create the schema ${schema}: GRANT CREATE ON DATABASE ${database} TO ${role}`
  }
  if (facts.mayUse === false) return `the role ${role} may not use the schema ${schema}: GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${role}`
  // New sales get partitions and old ones lose theirs, which only an owner may do.
  if (facts.isOwner === false) return `the role ${role} does not own the tables of the schema ${schema}: GRANT ${String(owner)} TO ${role}`
  return undefined
}

async function applyMissing(client: pg.Client, files: readonly Migration[]): Promise<string[]> {
  await client.query(`create table if not exists megacache_migrations (
    name text primary key, checksum text not null,
    applied_at timestamptz not null default clock_timestamp())`)
  const rows = await client.query<{ name: string, checksum: string }>(
    'select name, checksum from megacache_migrations order by name')
  const known = new Map(files.map((file) => [file.name, file]))
  for (const { name, checksum } of rows.rows) {
    const file = known.get(name)
    if (file === undefined) {
      throw new PersistenceError(
        'migration_unknown', `the database has migration ${name}, which this version lacks`)
    }
    if (file.checksum !== checksum) {
      throw new PersistenceError(
        'migration_changed', `migration ${name} differs from the one that was applied`)
    }
  }
  const done = new Set(rows.rows.map((row) => row.name))
  const applied: string[] = []
  for (const file of files) {
    if (done.has(file.name)) continue
    await apply(client, file)
    applied.push(file.name)
  }
  return applied
}

async function apply(client: pg.Client, file: Migration): Promise<void> {
  try {
    const migration: pg.QueryConfig & { readonly query_timeout: number } = { text: file.text, query_timeout: MIGRATION_MS_MAX }
    await client.query(migration)
    await client.query(
      'insert into megacache_migrations (name, checksum) values ($1, $2)', [file.name, file.checksum])
  } catch (error) {
    if (sqlStateOf(error) === undefined) throw error
    throw new PersistenceError('migration_failed', `migration ${file.name} failed: ${String(error)}`, error)
  }
}

async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(MIGRATIONS)).filter((name) => /^\d{4}_.*\.sql$/.test(name)).toSorted()
  return Promise.all(names.map(async (name) => {
    const text = await readFile(new URL(name, MIGRATIONS), 'utf8')
    return { name, text, checksum: createHash('sha256').update(text).digest('hex') }
  }))
}
