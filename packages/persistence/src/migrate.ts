import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import pg from 'pg'
import { type Connection, clientConfig } from './client-config.ts'
import { PersistenceError } from './persistence-error.ts'

/** The numbered files of this package; the same place seen from src/ and from dist/. */
const MIGRATIONS = new URL('../migrations/', import.meta.url)

/** How long a start waits for a connection, for another start that is migrating, and for its own migrations. */
const CONNECT_MS_MAX = 5_000
const LOCK_MS_MAX = 30_000
const MIGRATION_MS_MAX = 600_000

/** The lock must not outlive a process whose machine lost its power: the server asks whether it is still there. */
const KEEPALIVE = `
  select set_config('tcp_keepalives_idle', '10', false),
    set_config('tcp_keepalives_interval', '5', false),
    set_config('tcp_keepalives_count', '3', false)`

interface Migration {
  readonly name: string
  readonly text: string
  readonly checksum: string
}

/**
 * Brings the database to this version's schema: each numbered file once, in order, in a transaction
 * of its own, under a lock, so that two processes may start at once. Returns the names it applied.
 * Rejects with `migration_changed`, `migration_unknown`, `migration_failed` or `connection_lost`.
 */
export async function migrate(connection: Connection): Promise<{ applied: string[] }> {
  const files = await readMigrations()
  // Without its own limits a connection that fell silent would keep a start from ever failing.
  const client = new pg.Client(clientConfig(connection, {
    application_name: 'megacache/migrate', connectionTimeoutMillis: CONNECT_MS_MAX, query_timeout: LOCK_MS_MAX, keepAlive: true,
  }))
  // The rejected query says it; without a listener the event would end the process.
  client.on('error', () => {})
  await client.connect().catch((error: unknown) => {
    throw new PersistenceError('connection_lost', 'the database cannot be reached', error)
  })
  try {
    await client.query(KEEPALIVE)
    await client.query('select pg_advisory_lock(1835361121, 5)')
    return { applied: await applyMissing(client, files) }
  } catch (error) {
    if (error instanceof PersistenceError) throw error
    throw new PersistenceError('connection_lost', 'the database failed before its schema was up to date', error)
  } finally {
    // Ending the session gives the lock back.
    await client.end()
  }
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
    await client.query('begin')
    const migration: pg.QueryConfig & { readonly query_timeout: number } = { text: file.text, query_timeout: MIGRATION_MS_MAX }
    await client.query(migration)
    await client.query(
      'insert into megacache_migrations (name, checksum) values ($1, $2)', [file.name, file.checksum])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {})
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
