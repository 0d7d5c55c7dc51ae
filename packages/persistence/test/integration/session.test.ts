import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Session, createSession, measureClock, processClock } from '../../src/index.ts'
import { nodeTimers } from '../../src/timers.ts'
import { testDatabase } from '../database.ts'
import { SALE, freshSale } from '../rows.ts'
import { TcpProxy } from '../tcp-proxy.ts'

const database = testDatabase()
const { client } = database
let proxy: TcpProxy
let session: Session

beforeEach(async () => {
  proxy = new TcpProxy(database.url)
  await proxy.listen()
  session = createSession({ connection: proxy.through(database.url), applicationName: 'megacache/0/session' })
})
afterEach(async () => {
  await session.close()
  await proxy.close()
})

describe('a session', () => {
  test('sets what the batches rely on, whatever the database has as default', async () => {
    await client.query(`alter database ${client.database} set default_transaction_isolation = 'serializable'`)
    await session.connected(5_000)
    const rows = await session.query('settings', `select current_setting('transaction_isolation'),
      current_setting('statement_timeout'), current_setting('application_name'), current_setting('tcp_keepalives_idle')`)
    await client.query(`alter database ${client.database} reset default_transaction_isolation`)
    expect(rows).toEqual([['read committed', '8s', 'megacache/0/session', '10']])
  })

  test.each([['off', 'on'], ['local', 'on'], ['remote_write', 'on'], ['remote_apply', 'remote_apply']])(
    'commits durably where synchronous_commit is %s: %s', async (configured, pinned) => {
      await client.query(`alter database ${client.database} set synchronous_commit = ${configured}`)
      await session.close()
      session = createSession({ connection: database.url, applicationName: 'megacache/0/session' })
      await session.connected(5_000)
      await client.query(`alter database ${client.database} reset synchronous_commit`)
      expect(await session.query('setting', `select current_setting('synchronous_commit')`)).toEqual([[pinned]])
    })

  test('commits batches durably even when somebody has taken the pins away, and refuses another isolation', async () => {
    await freshSale(client)
    const key = `array[${SALE}::bigint], array[gen_random_uuid()]`
    const batches = [
      `select megacache_record_checkouts(0, ${key}, array[1], array[1::bigint], array[now()], false)`,
      `select megacache_record_purchases(0, ${key}, array[1], array[1::bigint], false)`,
      `select megacache_record_cancels(0, ${key})`,
      `select megacache_ensure_sale(0, ${SALE}, now(), now() + interval '1 hour', 10000, 10, 60000)`,
    ]
    for (const batch of batches) {
      await client.query('begin; set local synchronous_commit = off')
      await client.query(batch)
      // As it is when the transaction commits.
      expect((await client.query('show synchronous_commit')).rows).toEqual([{ synchronous_commit: 'on' }])
      await client.query('rollback')
      await client.query('begin isolation level repeatable read')
      await expect(client.query(batch)).rejects.toMatchObject({ code: '55000' })
      await client.query('rollback')
    }
  })

  test('is tagged even when the connection string names another application', async () => {
    const named = new URL(database.url)
    named.searchParams.set('application_name', 'mine')
    const other = createSession({ connection: named.href, applicationName: 'megacache/0/tag' })
    await other.connected(5_000)
    expect(await other.query('tag', `select current_setting('application_name')`)).toEqual([['megacache/0/tag']])
    await other.close()
  })

  test('executes statements one after another in their order', async () => {
    await session.connected(5_000)
    const done: number[] = []
    await Promise.all([1, 2, 3, 4].map(async (n) => {
      const rows = await session.query(`wait${n}`, `select ${n}, pg_sleep($1::float8)`, [n === 1 ? '0.05' : '0'])
      done.push(Number(rows[0]?.[0]))
    }))
    expect(done).toEqual([1, 2, 3, 4])
  })

  test('reports a refused statement only when the server is ready for the next', async () => {
    await session.connected(5_000)
    await expect(session.query('bad', 'select 1 / $1::int', ['0'])).rejects.toMatchObject({ code: '22012' })
    expect(await session.query('good', 'select 1')).toEqual([[1]])
    expect(session.state.status).toBe('connected')
  })

  test('comes back after a cut with another server process, and tells its listeners', async () => {
    await session.connected(5_000)
    const before = session.processId
    const states: string[] = []
    session.subscribe(({ status }) => states.push(status))
    proxy.cut()
    await new Promise((done) => {
      setTimeout(done, 20)
    })
    expect(session.state).toMatchObject({ status: 'lost', sinceMs: expect.any(Number) })
    await expect(session.query('refused', 'select 1')).rejects.toMatchObject({ code: 'connection_lost' })
    await session.connected(5_000)
    expect(states).toEqual(['lost', 'connected'])
    expect(session.processId).not.toBe(before)
  })

  test('keeps trying while the database is away, and says so to who waits', async () => {
    proxy.refuse = true
    proxy.cut()
    await expect(session.connected(300)).rejects.toMatchObject({ code: 'connection_lost' })
    proxy.refuse = false
    await session.connected(5_000)
    expect(await session.query('one', 'select 1')).toEqual([[1]])
  })

  test('lets the statement in flight end when it is closed, and refuses further ones', async () => {
    await session.connected(5_000)
    const slow = session.query('slow', 'select 7, pg_sleep(0.1)')
    const closed = session.close()
    await expect(session.query('late', 'select 1')).rejects.toMatchObject({ code: 'session_closed' })
    expect((await slow)[0]?.[0]).toBe(7)
    await closed
    expect(session.state.status).toBe('closed')
  })

  test('takes an answer that came while its thread was paused for longer than the watchdog', async () => {
    const paused = createSession({
      connection: database.url, applicationName: 'megacache/0/paused', watchdogMs: 1_000, statementTimeoutMs: 800,
    })
    await paused.connected(5_000)
    const answer = paused.query('slow', 'select 7, pg_sleep(0.2)')
    await new Promise(setImmediate)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_300)
    expect((await answer)[0]?.[0]).toBe(7)
    await paused.close()
  })

  test('gives up a connection that says nothing also on a thread whose every look is late', async () => {
    const slow = createSession({
      connection: proxy.through(database.url), applicationName: 'megacache/0/slow', watchdogMs: 500, statementTimeoutMs: 400,
      timers: { ...nodeTimers, every: (periodMs, task) => nodeTimers.every(5 * periodMs, task) },
    })
    await slow.connected(5_000)
    proxy.swallowAnswers = true
    await expect(slow.query('one', 'select 1')).rejects.toMatchObject({ code: 'watchdog_timeout' })
    proxy.swallowAnswers = false
    await slow.close()
  })

  test('refuses time limits that make no sense', () => {
    expect(() => createSession({ connection: '', applicationName: '', watchdogMs: 100, statementTimeoutMs: 100 })).toThrow(RangeError)
  })

  test('has the database clock measured over it', async () => {
    await session.connected(5_000)
    const { offsetMs, roundTripMs } = await measureClock(session, processClock, 3)
    expect(Math.abs(processClock.nowMs() + offsetMs - Date.now())).toBeLessThan(roundTripMs + 50)
  })
})
