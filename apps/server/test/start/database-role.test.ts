import { describe, expect, test } from 'vitest'
import { fixturePerTest } from '../harness/fixture.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { contradictions, type TestDatabase } from '../harness/test-database.ts'

const fixture = fixturePerTest()
let roles = 0

/** A login role without rights but those of everybody, and the URL that it connects with. */
async function role(database: TestDatabase): Promise<{ readonly name: string, readonly url: string }> {
  const name = `${database.name}_${++roles}`
  await database.query(`create role ${name} login password 'secret-word'`)
  fixture.defer(async () => {
    await database.query(`drop owned by ${name}`)
    await database.query(`drop role ${name}`)
  })
  const url = new URL(database.url)
  url.username = name
  url.password = 'secret-word'
  return { name, url: url.href }
}

const start = (url: string, env: Readonly<Record<string, string>> = {}): ServerProcess =>
  fixture.spawn(undefined, { DATABASE_URL: url, THREADS: '1', SALE_ITEMS: '10', ...env })

async function sellOne(server: ServerProcess): Promise<void> {
  const client = fixture.client(await server.listening())
  expect((await client.purchase(await client.reserve(1, 1))).status).toBe(200)
  expect((await client.checkout(2, 1)).reason).toBe('item_sold')
}

/** Status 69 and one line that says what to do. */
async function refused(server: ServerProcess, line: RegExp): Promise<void> {
  expect((await server.exited).code).toBe(69)
  expect(server.stderrLines).toHaveLength(1)
  expect(server.stderr).toMatch(line)
  expect(server.stderr).not.toContain('secret-word')
}

describe('a role', () => {
  test('with every setting that could be in the way serves all the same', async () => {
    const database = await fixture.database()
    const { name, url } = await role(database)
    await database.query(`grant create on database ${database.name} to ${name}`)
    const settings = {
      extra_float_digits: '-15', DateStyle: 'German, DMY', IntervalStyle: 'sql_standard', TimeZone: 'Asia/Kathmandu', bytea_output: 'escape',
      search_path: 'pg_catalog, public', default_transaction_isolation: 'serializable', default_transaction_deferrable: 'on',
      statement_timeout: '1ms', lock_timeout: '1ms', idle_in_transaction_session_timeout: '1ms', idle_session_timeout: '2s',
      client_min_messages: 'error', standard_conforming_strings: 'off', client_encoding: 'LATIN1', array_nulls: 'off', row_security: 'on',
      transform_null_equals: 'on', enable_indexscan: 'off', plan_cache_mode: 'force_custom_plan', default_tablespace: 'pg_default',
    }
    for (const [setting, value] of Object.entries(settings)) {
      // The search path is a list of names.
      await database.query(`alter role ${name} set ${setting} = ${setting === 'search_path' ? value : `'${value}'`}`)
    }
    const server = start(url, { ATTEMPT_LOG: 'on', RESERVATION_TTL: '30s' })
    await sellOne(server)
    const client = fixture.client(server)
    const held = await client.reserve(5, 5)
    expect((await server.crash()).signal).toBe('SIGKILL')
    // The rows are read back as they were written.
    const next = await start(url).listening()
    const again = fixture.client(next)
    expect((await again.purchase(held)).status).toBe(200)
    expect((await again.checkout(2, 1)).reason).toBe('item_sold')
    expect(await contradictions(database)).toEqual([])
    expect([...server.logs, ...next.logs].filter(({ level }) => level >= 50)).toEqual([])
  })

  test('that may not create a schema, use it, or own its tables is told what to grant', async () => {
    const database = await fixture.database()
    const { name, url } = await role(database)
    await refused(start(url), new RegExp(`^megacache: .*GRANT CREATE ON DATABASE ${database.name} TO ${name} \\[missing_privilege\\]`))
    await database.query('create schema megacache')
    await refused(start(url), new RegExp(`GRANT USAGE, CREATE ON SCHEMA megacache TO ${name} \\[missing_privilege\\]`))
    await database.query(`grant usage on schema megacache to ${name}`)
    await refused(start(url), new RegExp(`GRANT USAGE, CREATE ON SCHEMA megacache TO ${name} \\[missing_privilege\\]`))
    await database.query(`grant create on schema megacache to ${name}`)
    await sellOne(start(url))
  })

  test('that may only read is told so', async () => {
    const database = await fixture.database()
    expect((await (await fixture.server(database, { THREADS: '1' })).stop()).code).toBe(0)
    const { name, url } = await role(database)
    await database.query(`grant usage, create on schema megacache to ${name}; grant select on all tables in schema megacache to ${name}`)
    await refused(start(url), /^megacache: .*does not own the tables of the schema megacache: GRANT \S+ TO \S+ \[missing_privilege\]/)
    await database.query(`alter role ${name} set default_transaction_read_only = on`)
    await refused(start(url), /^megacache: the database refuses writes: ALTER ROLE .* SET default_transaction_read_only = off.*\[server_read_only\]/)
  })
})

describe('the schema', () => {
  test('keeps our tables apart from others of the same names', async () => {
    const database = await fixture.database()
    for (const table of ['checkouts', 'purchases', 'sales', 'lease', 'attempts', 'sale_items', 'megacache_migrations']) {
      await database.query(`create table public.${table} (mine text); insert into public.${table} values ('kept')`)
    }
    await sellOne(await fixture.server(database, { THREADS: '1', SALE_ITEMS: '10' }))
    expect(await database.query('select mine from public.checkouts')).toEqual([{ mine: 'kept' }])
    expect(await database.query('select item_id from megacache.sale_items where purchased')).toEqual([{ item_id: 1 }])
    expect(await database.query(`select v.* from megacache.sales s cross join lateral megacache.megacache_verify_sale(s.sale_id) v`)).toEqual([])
  })

  test('makes two servers of one database independent: neither waits for the other, nor ends its sessions', async () => {
    const database = await fixture.database()
    const [one, two] = await Promise.all(['megacache', 'Second_Shop'].map((schema) =>
      fixture.server(database, { THREADS: '1', SALE_ITEMS: '10', DATABASE_SCHEMA: schema })))
    if (one === undefined || two === undefined) throw new Error('two servers')
    await sellOne(one)
    await sellOne(two)
    const third = fixture.spawn(database, { THREADS: '1', SALE_ITEMS: '10', DATABASE_SCHEMA: 'Second_Shop' })
    await third.seen('another instance is active')
    await two.crash()
    const client = fixture.client(await third.listening())
    expect((await client.checkout(2, 1)).reason).toBe('item_sold')
    // The failover of the one schema has left the other one alone.
    expect(one.logged('database connection lost')).toEqual([])
    expect((await fixture.client(one).checkout(2, 2)).status).toBe(200)
    expect(await database.query('select count(*)::int as count from "Second_Shop".purchases')).toEqual([{ count: 1 }])
  })
})
