import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

/** As somebody with psql would: only the schema of our tables is set. */
const IN_SCHEMA = { options: '-c search_path=megacache,pg_temp' }

/** A new, empty database. */
export interface TestDatabase {
  readonly name: string
  readonly url: string
  /** Rows of a query on a connection of its own. */
  query<Row extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<Row[]>
  /** Runs a statement in a transaction that stays open until it is released. */
  hold(sql: string): Promise<{ release(): Promise<void> }>
  drop(): Promise<void>
}

/** Makes a database in the cluster of the run, or in another one. */
export async function createDatabase(clusterUrl: string = inject('clusterUrl')): Promise<TestDatabase> {
  const name = `megacache_e2e_${randomBytes(6).toString('hex')}`
  await queryOnce(clusterUrl, `create database ${name}`)
  const changed = new URL(clusterUrl)
  changed.pathname = `/${name}`
  const url = changed.href
  return {
    name,
    url,
    query: (sql, values) => queryOnce(url, sql, values),
    hold: async (sql) => {
      const client = new pg.Client({ connectionString: url, ...IN_SCHEMA })
      client.on('error', () => {})
      await client.connect()
      await client.query('begin')
      await client.query(sql)
      return { release: () => client.end() }
    },
    drop: async () => {
      await queryOnce(clusterUrl, `drop database if exists ${name} with (force)`)
    },
  }
}

/** One query, one connection. */
export async function queryOnce<Row extends pg.QueryResultRow>(
  url: string, sql: string, values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, query_timeout: 30_000, ...IN_SCHEMA })
  // The rejected query says it; without a listener the event would end the process.
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Row>(sql, [...values])).rows
  } finally {
    await client.end()
  }
}

/** Ends every session of the instances that use a database; returns how many there were. */
export async function endServerSessions(database: TestDatabase): Promise<number> {
  const rows = await database.query<{ ended: boolean }>(`
    select pg_terminate_backend(pid) as ended from pg_stat_activity
    where datname = current_database() and application_name like 'megacache/%'`)
  return rows.length
}

/** Everything that contradicts itself in the rows of all sales; empty is what one wants. */
export async function contradictions(database: TestDatabase): Promise<unknown[]> {
  return database.query('select s.sale_id, v.* from sales s cross join lateral megacache_verify_sale(s.sale_id) v limit 20')
}
