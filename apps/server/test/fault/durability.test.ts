import { beforeEach, describe, expect, test } from 'vitest'
import { fixturePerTest } from '../harness/fixture.ts'
import { PGBOUNCER_MISSING, startPgBouncer } from '../harness/pg-bouncer.ts'
import type { SaleClient } from '../harness/sale-client.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { skipWithout } from '../harness/skip-without.ts'
import { createDatabase, endServerSessions, type TestDatabase } from '../harness/test-database.ts'
import { until } from '../harness/until.ts'
import { OwnCluster } from './own-cluster.ts'

/** Crashes of PostgreSQL for each way in which synchronous_commit is turned off. The record in prove/results was made with 20. */
const TRIES = Number(process.env['DURABILITY_TRIES'] ?? 1)
const ITEMS_PER_TRY = 5
const TRY_MS_MAX = 60_000

const fixture = fixturePerTest()
let cluster: OwnCluster
let database: TestDatabase

beforeEach(async () => {
  // What is committed without being flushed stays in memory for as long as the server is to live.
  cluster = await OwnCluster.start(fixture, { wal_writer_delay: '10s', wal_buffers: '4MB' })
  database = await createDatabase(cluster.url)
})

const serve = (env: Readonly<Record<string, string | undefined>> = {}): Promise<ServerProcess> =>
  fixture.server(database, { THREADS: '1', SALE_ITEMS: '200', USER_LIMIT: '200', UNSAFE_DATABASE: undefined, ...env })

/** What `megacache_unsafe_database` says. */
async function unsafe(server: ServerProcess): Promise<string | undefined> {
  return /^megacache_unsafe_database (\d)/m.exec(await (await fetch(`${server.adminUrl}/metrics`)).text())?.[1]
}

const sells = (client: SaleClient, itemId: number) => async (): Promise<boolean> => (await client.checkout(1, itemId)).status === 200

describe('with synchronous_commit turned off while the server runs, a crash of PostgreSQL loses no acknowledged purchase:', () => {
  const ways: readonly (readonly [name: string, turnOff: (user: string) => Promise<unknown>])[] = [
    ['by role', (user) => cluster.query(`alter role ${user} set synchronous_commit = off`)],
    ['by role and database', (user) => cluster.query(`alter role ${user} in database ${database.name} set synchronous_commit = off`)],
    ['by database', () => cluster.query(`alter database ${database.name} set synchronous_commit = off`)],
    ['by ALTER SYSTEM', () => cluster.set('synchronous_commit', 'off')],
  ]
  test.each(ways)('%s', async (_name, turnOff) => {
    const server = await serve()
    await turnOff(new URL(cluster.url).username)
    await endServerSessions(database)
    await survives(server)
  }, TRY_MS_MAX * (TRIES + 1))

  test('by a pooler', async ({ skip }) => {
    skipWithout(PGBOUNCER_MISSING, skip)
    const url = await startPgBouncer(fixture, database.url, { pool_mode: 'session' }, `connect_query='set synchronous_commit = off'`)
    await survives(await serve({ DATABASE_URL: url }))
  }, TRY_MS_MAX * (TRIES + 1))
})

async function survives(server: ServerProcess): Promise<void> {
  const client = fixture.client(server)
  const acknowledged: string[] = []
  for (let round = 0; round < TRIES; round++) {
    const firstItem = round * (ITEMS_PER_TRY + 1)
    await until('it sells again', sells(client, firstItem), TRY_MS_MAX)
    for (let itemId = firstItem + 1; itemId <= firstItem + ITEMS_PER_TRY; itemId++) {
      acknowledged.push(await bought(client, itemId))
    }
    await cluster.stopHard()
    await cluster.startAgain()
    const kept = new Set((await database.query<{ code: string }>('select code::text from purchases')).map(({ code }) => code))
    expect(acknowledged.filter((code) => !kept.has(code)), `lost by crash ${round + 1}`).toEqual([])
  }
  expect(acknowledged).toHaveLength(TRIES * ITEMS_PER_TRY)
}

/** The code of a purchase that was acknowledged. The loss of the lease's session may be noticed after that of the others: 503 meanwhile. */
async function bought(client: SaleClient, itemId: number): Promise<string> {
  let code = ''
  await until(`item ${itemId} is reserved`, async () => {
    const { status, text } = await client.checkout(1, itemId)
    if (status === 200) code = text
    return status === 200
  }, TRY_MS_MAX)
  await until(`item ${itemId} is bought`, async () => {
    const { status, reason } = await client.purchase(code)
    return status === 200 || reason === 'already_purchased'
  }, TRY_MS_MAX)
  return code
}

describe('without what a commit needs to survive nothing is acknowledged until it is back:', () => {
  test.each(['fsync', 'full_page_writes'])('%s turned off while the server runs', async (setting) => {
    const server = await serve()
    const client = fixture.client(server)
    const held = await client.reserve(1, 1)
    expect(await unsafe(server)).toBe('0')
    for (const round of [1, 2]) {
      await cluster.set(setting, 'off')
      await until('it is told', () => server.logged('UNSAFE').length === round)
      expect(server.logged('UNSAFE')[round - 1]).toMatchObject({ level: 50, problem: expect.stringContaining(setting) })
      expect(await unsafe(server)).toBe('1')
      for (const answer of [await client.checkout(2, 2), await client.purchase(held), await client.reservation(held)]) {
        expect(answer).toMatchObject({ status: 503, reason: 'storage_unavailable' })
      }
      await cluster.set(setting)
      await until('it sells again', sells(client, 10 + round))
      expect(await unsafe(server)).toBe('0')
    }
    expect((await client.purchase(held)).status).toBe(200)
  })

  test('fsync off after a restart of PostgreSQL', async () => {
    const server = await serve()
    const client = fixture.client(server)
    await cluster.query('alter system set fsync = off')
    await cluster.stopHard()
    await cluster.startAgain()
    await until('it is told', () => server.logged('UNSAFE').length === 1, TRY_MS_MAX)
    expect(await unsafe(server)).toBe('1')
    expect(await client.checkout(2, 2)).toMatchObject({ status: 503, reason: 'storage_unavailable' })
    await cluster.set('fsync')
    await until('it sells again', sells(client, 3), TRY_MS_MAX)
    expect(await unsafe(server)).toBe('0')
  })

  test('what was done to our tables and functions while the server runs', async () => {
    const server = await serve({ RESERVATION_TTL: '10m' })
    const client = fixture.client(server)
    const held = await client.reserve(1, 1)
    const [names] = await database.query<{ purchases: string, checkouts: string }>(`
      select min(inhrelid::regclass::text) filter (where inhparent = 'purchases'::regclass) as purchases,
        min(inhrelid::regclass::text) filter (where inhparent = 'checkouts'::regclass) as checkouts from pg_inherits`)
    const { purchases = '', checkouts = '' } = names ?? {}
    const unlogged = (table: string): [string, string, string] =>
      [`${table.replace(/.*\./, '')} is unlogged`, `alter table ${table} set unlogged`, `alter table ${table} set logged`]
    const faults: readonly (readonly [told: string, damage: string, repair: string])[] = [
      ...[purchases, checkouts, 'lease', 'sales'].map(unlogged),
      ['purchases has rules', 'create rule away as on insert to purchases do instead nothing', 'drop rule away on purchases'],
      ['lacks a unique index', 'alter table purchases drop constraint purchases_pkey', 'alter table purchases add primary key (sale_id, item_id)'],
      ['has the trigger odd',
        `create function odd() returns trigger language plpgsql as 'begin return null; end';
         create trigger odd before insert on checkouts for each row execute function odd()`, 'drop function odd cascade'],
      ['does not check its items', `alter table ${purchases} disable trigger items_exist_on_insert`,
        `alter table ${purchases} enable always trigger items_exist_on_insert`],
      ['megacache_record_purchases sets synchronous_commit', 'alter function megacache_record_purchases set synchronous_commit = off',
        'alter function megacache_record_purchases reset synchronous_commit'],
    ]
    for (const [round, [told, damage, repair]] of faults.entries()) {
      await database.query(damage)
      await until(told, () => server.logged('UNSAFE').length === round + 1)
      expect(server.logged('UNSAFE')[round]).toMatchObject({ level: 50, problem: expect.stringContaining(told) })
      expect(await unsafe(server)).toBe('1')
      for (const answer of [await client.checkout(2, 2), await client.purchase(held), await client.reservation(held)]) {
        expect(answer).toMatchObject({ status: 503, reason: 'storage_unavailable' })
      }
      await database.query(repair)
      await until('it sells again', sells(client, 10 + round))
      expect(await unsafe(server)).toBe('0')
    }
    expect((await client.purchase(held)).status).toBe(200)
    await cluster.stopHard()
    await cluster.startAgain()
    expect(await database.query('select code::text from purchases')).toEqual([{ code: held }])
  }, 2 * TRY_MS_MAX)

  test('an unlogged table before the start', async () => {
    expect((await (await serve()).stop()).code).toBe(0)
    await database.query('alter table sales set unlogged')
    const refused = fixture.spawn(database, { UNSAFE_DATABASE: undefined })
    await until('it is refused', () => refused.exit !== undefined)
    expect(refused.exit?.code).toBe(69)
    expect(refused.stderr).toMatch(/sales is unlogged.*\[unsafe_settings\]/)
    const allowed = await serve({ UNSAFE_DATABASE: 'on' })
    expect(allowed.logged('UNSAFE')).toMatchObject([{ level: 40, problem: expect.stringContaining('sales is unlogged') }])
    expect(await unsafe(allowed)).toBe('1')
  })

  test('with UNSAFE_DATABASE it goes on, and says so', async () => {
    const server = await serve({ UNSAFE_DATABASE: 'on' })
    await cluster.set('fsync', 'off')
    await until('it is told', () => server.logged('UNSAFE').length === 1)
    expect(server.logged('UNSAFE')[0]).toMatchObject({ level: 40 })
    expect(await unsafe(server)).toBe('1')
    expect((await fixture.client(server).checkout(1, 1)).status).toBe(200)
  })
})
