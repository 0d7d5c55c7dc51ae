import { startEmbedded } from '@megacache/persistence/embedded'
import { createServer, type Server } from 'node:net'
import { describe, expect, test } from 'vitest'
import { dataDirectory, processesOn } from '../harness/data-directory.ts'
import { fixturePerTest } from '../harness/fixture.ts'
import { lastingPort } from '../harness/free-port.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { contradictions, createDatabase } from '../harness/test-database.ts'

const fixture = fixturePerTest()

/** It says why in one line, ends with the status given, and has not listened. */
async function expectFailure(server: ServerProcess, code: number, line: RegExp): Promise<void> {
  expect(await server.exited, server.stderr).toEqual({ code, signal: null })
  expect(server.stderrLines).toEqual([expect.stringMatching(line)])
  expect(server.strayLines).toEqual([])
  expect(server.logged('listening on')).toEqual([])
}

async function listener(host = '127.0.0.1'): Promise<{ port: number }> {
  const server: Server = createServer((socket) => socket.destroy())
  await new Promise<void>((done) => {
    server.listen(0, host, done)
  })
  fixture.defer(() => new Promise((done) => {
    server.close(done)
  }))
  const address = server.address()
  return { port: typeof address === 'object' && address !== null ? address.port : 0 }
}

/** Threads that need five seconds before they load anything, and half a second for the thirty that they may take. */
const SLOW_THREADS = `
  import { isMainThread } from 'node:worker_threads'
  const { setTimeout } = globalThis
  if (isMainThread) globalThis.setTimeout = (run, ms, ...rest) => setTimeout(run, ms === 30_000 && new Error().stack.includes('request-threads') ? 500 : ms, ...rest)
  else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5_000)`

describe('a start that cannot succeed says why in one line, ends with a status of its own and leaves nothing', () => {
  test('every wrong setting at once, one line each, and no secret', async () => {
    const server = fixture.spawn(undefined, {
      PORT: '70000', THREADS: 'many', SALE_ITEMS: '0', SALE_PERIOD: '1500ms', USER_LIMIT: '-1', RESERVATION_TTL: '3', LOG_LEVEL: 'loud',
      ATTEMPT_LOG: 'maybe', DATABASE_URL: 'mysql://root:very-secret@db/x', ADMIN_TOKEN: 'with space',
    })
    expect((await server.exited).code).toBe(2)
    const named = server.stderrLines.map((line) => /^megacache: (\w+) \S.*$/.exec(line)?.[1] ?? line)
    expect(named.toSorted((a, b) => a.localeCompare(b))).toEqual([
      'ADMIN_TOKEN', 'ATTEMPT_LOG', 'DATABASE_URL', 'LOG_LEVEL', 'PORT', 'RESERVATION_TTL', 'SALE_ITEMS', 'SALE_PERIOD', 'THREADS', 'USER_LIMIT',
    ])
    expect(server.stderr).not.toContain('very-secret')
    expect(server.stderr).not.toContain('with space')
    expect(server.logs).toEqual([])
  })

  test('the longest period and the longest reservation that settings accept do start', async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, { SALE_PERIOD: '30d', RESERVATION_TTL: '7d', SALE_ITEMS: '1048576', USER_LIMIT: '1000', RETENTION: '3650d' })
    await fixture.client(server).reserve(1, 1_048_575)
    expect((await server.stop()).code).toBe(0)
  })

  test('a period above what the clock takes is a wrong setting', async () => {
    await expectFailure(fixture.spawn(undefined, { SALE_PERIOD: '31d', DATABASE_URL: 'postgres://127.0.0.1:1/x' }), 2, /^megacache: SALE_PERIOD must be/)
  })

  // Defect 24: a port in use was logged and the process stayed up without a server.
  test('a port that another program has', async () => {
    const { port } = await listener()
    const server = fixture.spawn(await fixture.database(), { PORT: String(port) })
    await expectFailure(server, 69, new RegExp(`^megacache: port ${port} is in use`))
  })

  test.each(['1', '2'])('a port that a megacache on another database has, with THREADS=%s', async (threads) => {
    const first = await fixture.server(await fixture.database(), { THREADS: threads })
    const second = fixture.spawn(await fixture.database(), { PORT: String(first.port), THREADS: threads })
    await expectFailure(second, 69, new RegExp(`^megacache: port ${first.port} is in use`))
    const client = fixture.client(first)
    for (let visit = 0; visit < 20; visit++) expect((await client.call('GET', '/livez', { headers: { connection: 'close' } })).status).toBe(200)
  })

  // Ended with 70, after 10 s, as if a thread had broken.
  test('a machine on which the threads are not ready in time', async () => {
    const nodeArgs = [`--import=data:text/javascript,${encodeURIComponent(SLOW_THREADS)}`]
    const server = fixture.spawn(await fixture.database(), { THREADS: '2' }, { nodeArgs })
    await expectFailure(server, 69, /^megacache: the request threads were not ready within 30 s: this machine is too slow or overloaded$/)
  })

  test('an admin port in use', async () => {
    const { port } = await listener()
    await expectFailure(fixture.spawn(await fixture.database(), { ADMIN_PORT: String(port) }), 69, new RegExp(`^megacache: port ${port} is in use`))
  })

  test('an address that this machine has not', async () => {
    await expectFailure(fixture.spawn(await fixture.database(), { HOST: '192.0.2.1' }), 69, /^megacache: this machine has no address 192\.0\.2\.1/)
  })

  test('a database that cannot be reached', async () => {
    const port = await lastingPort()
    for (const host of ['127.0.0.1', 'localhost']) {
      const server = fixture.spawn(undefined, { DATABASE_URL: `postgres://megacache:secret-word@${host}:${port}/megacache` })
      await expectFailure(server, 69, /^megacache: the database cannot be reached.*\[connection_lost\]$/)
      expect(server.stderr).toMatch(/ECONNREFUSED/)
      expect(server.stderr).not.toContain('secret-word')
    }
  })

  test('a certificate that is not where DATABASE_URL says', async () => {
    const url = 'postgres://a:secret-word@127.0.0.1:1/a?sslmode=verify-full&sslrootcert=/nowhere/root.crt'
    const server = fixture.spawn(undefined, { DATABASE_URL: url })
    await expectFailure(server, 69, /^megacache: DATABASE_URL cannot be used: .*\/nowhere\/root\.crt'$/)
    expect(server.stderr).not.toContain('secret-word')
  })

  test('a host that answers but is no PostgreSQL', async () => {
    const { port } = await listener()
    await expectFailure(fixture.spawn(undefined, { DATABASE_URL: `postgres://a@127.0.0.1:${port}/a` }), 69, /^megacache: the database cannot be reached/)
  })

  test('a wrong password, a database that is not there, and a database that may forget', async () => {
    const cluster = await startEmbedded()
    fixture.defer(() => cluster.stop())
    const change = (part: 'password' | 'pathname', value: string): string => {
      const url = new URL(cluster.url)
      url[part] = value
      return url.href
    }
    const wrong = fixture.spawn(undefined, { DATABASE_URL: change('password', 'guessed-word') })
    await expectFailure(wrong, 69, /^megacache: .*password authentication failed/)
    expect(wrong.stderr).not.toContain('guessed-word')
    await expectFailure(fixture.spawn(undefined, { DATABASE_URL: change('pathname', '/nowhere') }), 69, /^megacache: .*"nowhere" does not exist/)
    const forgetful = fixture.spawn(undefined, { DATABASE_URL: cluster.url, UNSAFE_DATABASE: undefined })
    await expectFailure(forgetful, 69, /^megacache: .*fsync, full_page_writes, synchronous_commit off.*\[unsafe_settings\]$/)
    // With the switch it starts, and says so in the log and in the metrics (admin-port.test.ts).
    const database = await createDatabase(cluster.url)
    const allowed = await fixture.server(database, { UNSAFE_DATABASE: 'on' })
    expect(allowed.logged('UNSAFE')).toMatchObject([{ level: 40 }])
    expect((await allowed.stop()).code).toBe(0)
  })

  test('a database of a newer version, and one whose schema was changed by hand', async () => {
    const database = await fixture.database()
    const first = await fixture.server(database)
    expect((await first.stop()).code).toBe(0)
    await database.query(`insert into megacache_migrations (name, checksum) values ('9999_future.sql', 'x')`)
    await expectFailure(fixture.spawn(database), 69, /^megacache: .*9999_future\.sql.*\[migration_unknown\]$/)
    await database.query(`delete from megacache_migrations where name like '9999%'`)
    await database.query(`update megacache_migrations set checksum = 'x' where name like '0001%'`)
    await expectFailure(fixture.spawn(database), 69, /^megacache: .*0001_.*\[migration_changed\]$/)
  })

  test('a database whose rows contradict each other is not served', async () => {
    const database = await fixture.database()
    const first = await fixture.server(database, { SALE_ITEMS: '10' })
    const client = fixture.client(first)
    await client.purchase(await client.reserve(1, 3))
    expect((await first.stop()).code).toBe(0)
    // The code of a purchase names its item: moved to another one it is nobody's.
    await database.query('update purchases set item_id = 4')
    const server = fixture.spawn(database, { SALE_ITEMS: '10' })
    expect((await server.exited).code).not.toBe(0)
    expect(server.stderrLines[0]).toMatch(/^megacache: .*item 4/)
    expect(server.logged('listening on')).toEqual([])
    expect(await contradictions(database)).not.toEqual([])
  })

  test('a second start on one data directory', async () => {
    const directory = await dataDirectory(fixture)
    const env = { DATA_DIR: directory, UNSAFE_DATABASE: undefined, SALE_ITEMS: '10' }
    const first = await fixture.spawn(undefined, env).listening()
    await expectFailure(fixture.spawn(undefined, env), 69, /^megacache: another process already runs on .*\[data_directory_in_use\]$/)
    await fixture.client(first).reserve(1, 1)
    expect((await first.stop()).code).toBe(0)
    expect(await processesOn(directory)).toEqual([])
  })
})
