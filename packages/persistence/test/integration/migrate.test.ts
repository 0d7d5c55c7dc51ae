import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { migrate } from '../../src/index.ts'
import { administer, databaseUrl } from '../cluster.ts'
import { IN_SCHEMA } from '../database.ts'

const clusterUrl = inject('clusterUrl')
const name = `megacache_${randomBytes(6).toString('hex')}`
const url = databaseUrl(clusterUrl, name)

beforeAll(() => administer(clusterUrl, `create database ${name}`))
afterAll(() => administer(clusterUrl, `drop database ${name}`))

async function run<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, ...IN_SCHEMA })
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

describe('migrations', () => {
  test('are applied once when several processes start at once', async () => {
    const results = await Promise.all([migrate(url), migrate(url), migrate({ connectionString: url })])
    const applied = results.map((result) => result.applied).toSorted((a, b) => b.length - a.length)
    expect(applied[0]?.[0]).toBe('0001_tables.sql')
    expect(applied.slice(1)).toEqual([[], []])
    expect(await run('select name from megacache_migrations order by 1')).toHaveLength(applied[0]?.length ?? 0)
  })

  test('change nothing the second time', async () => {
    expect(await migrate(url)).toEqual({ applied: [] })
  })

  test('are refused when one that was applied has changed', async () => {
    await run(`update megacache_migrations set checksum = 'x' || checksum where name = '0001_tables.sql'`)
    await expect(migrate(url)).rejects.toMatchObject({ code: 'migration_changed', retryable: false })
    await run(`update megacache_migrations set checksum = substr(checksum, 2) where name = '0001_tables.sql'`)
  })

  test('are refused when the database belongs to a newer version', async () => {
    await run(`insert into megacache_migrations (name, checksum) values ('9999_future.sql', '')`)
    await expect(migrate(url)).rejects.toMatchObject({ code: 'migration_unknown', message: expect.stringContaining('9999_future') })
    await run(`delete from megacache_migrations where name = '9999_future.sql'`)
  })

  test('that fail leave nothing of themselves', async () => {
    await run(`drop view sale_items; delete from megacache_migrations where name >= '0005'`)
    // Its function exists already, so it fails.
    await expect(migrate(url)).rejects.toMatchObject({ code: 'migration_failed', cause: { code: '42723' } })
    expect(await run(`select name from megacache_migrations where name >= '0005'`)).toEqual([])
  })

  test('say that a database cannot be reached', async () => {
    await expect(migrate('postgres://nobody:x@127.0.0.1:1/none')).rejects.toMatchObject({ code: 'connection_lost', retryable: true })
  })
})
