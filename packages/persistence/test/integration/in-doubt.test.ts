import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  CancelWriter, CheckoutWriter, PurchaseWriter, type Session, type SessionOptions, createSession,
} from '../../src/index.ts'
import { testDatabase } from '../database.ts'
import { SALE, TestRow, freshSale, outcomes, write } from '../rows.ts'
import { TcpProxy } from '../tcp-proxy.ts'

const database = testDatabase()
const { client } = database
let proxy: TcpProxy
let session: Session
const range = (count: number): number[] => [...Array(count).keys()]

beforeAll(async () => {
  proxy = new TcpProxy(database.url)
  await proxy.listen()
  // A checkout of user 13 takes as long as somebody else holds the lock (13, 13).
  await client.query(`create function slow_checkout() returns trigger language plpgsql as
    $$ begin if new.user_id = 13 then perform pg_advisory_xact_lock_shared(13, 13); end if; return new; end $$`)
  await client.query('create trigger slow before insert on checkouts for each row execute function slow_checkout()')
})
afterAll(() => proxy.close())

beforeEach(async () => {
  await freshSale(client)
  await client.query('update lease set epoch = 0')
  session = await openSession()
})
afterEach(async () => {
  proxy.swallowAnswers = false
  proxy.swallowSync = false
  proxy.refuse = false
  await session.close()
  await client.query('select pg_advisory_unlock_all()')
})

async function openSession(options: Partial<SessionOptions> = {}): Promise<Session> {
  const opened = createSession({ connection: proxy.through(database.url), applicationName: 'megacache/0/doubt', ...options })
  await opened.connected(10_000)
  return opened
}

/** Instead of that of the test: one whose time limits are short, because they are what it is about. */
async function reopenSession(options: Partial<SessionOptions>): Promise<void> {
  await session.close()
  session = await openSession(options)
}

async function stored(table: 'checkouts' | 'purchases'): Promise<number> {
  return (await client.query<{ n: number }>(`select count(*)::int as n from ${table}`)).rows[0]?.n ?? -1
}

/** Resolves once a session waits for the advisory lock. */
async function lockAwaited(classId: number | string, objectId: number): Promise<void> {
  await until(async () => (await client.query(`select 1 from pg_locks where not granted and locktype = 'advisory'
    and database = (select oid from pg_database where datname = current_database()) and classid = ${classId} and objid = ${objectId}`)).rows.length > 0)
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('the condition did not come true within 10 s')
    await new Promise((done) => {
      setTimeout(done, 5)
    })
  }
}

describe('a write in doubt', () => {
  test('whose session is killed in flight is resolved and stored exactly once', async () => {
    const writer = new CheckoutWriter({ session, epoch: 0 })
    const rows = range(20).map((item) => new TestRow({ item, user: item === 10 ? 13n : 1n }))
    await client.query('select pg_advisory_lock(13, 13)')
    for (const row of rows) writer.submit(row)
    await lockAwaited(13, 13)
    await client.query('select pg_terminate_backend($1)', [session.processId])
    await client.query('select pg_advisory_unlock(13, 13)')
    await writer.flushed()
    expect(new Set(outcomes(rows))).toEqual(new Set(['durable']))
    expect(await stored('checkouts')).toBe(20)
    expect(writer.counts().resolves).toBe(1)
  })

  test('whose commit was never confirmed is found durable: checkouts, purchases and cancels', async () => {
    const rows = range(30).map((item) => new TestRow({ item, user: BigInt(item % 5) }))
    const [first] = rows
    for (const Writer of [CheckoutWriter, PurchaseWriter, CancelWriter]) {
      const writer = new Writer({ session, epoch: 0 })
      await until(() => session.state.status === 'connected')
      // What is cancelled is what was not bought.
      const batch = (Writer === PurchaseWriter ? rows.slice(0, 15) : Writer === CancelWriter ? rows.slice(15) : rows)
        .map((row) => new TestRow({ item: row.itemId, user: BigInt(row.userLow), code: row.code }))
      proxy.swallowAnswers = true
      const answered = proxy.nextAnswer()
      for (const row of batch) expect(writer.submit(row)).toBe(true)
      await answered
      proxy.swallowAnswers = false
      proxy.cut()
      await writer.flushed()
      expect(new Set(outcomes(batch))).toEqual(new Set(['durable']))
      expect(writer.counts().resolves).toBe(1)
    }
    expect(first?.outcomes).toEqual([])
    expect(await stored('checkouts')).toBe(30)
    expect(await stored('purchases')).toBe(15)
    const ordinals = await client.query('select user_id, max(user_ordinal) as top, count(*)::int as n from purchases group by 1')
    expect(ordinals.rows.every(({ top, n }) => top === n)).toBe(true)
    expect((await client.query('select count(*)::int as n from checkouts where cancelled_at is not null')).rows[0].n).toBe(15)
  })

  test('on a connection that says nothing is resolved after the watchdog, on another connection', async () => {
    await reopenSession({ watchdogMs: 1_000, statementTimeoutMs: 800 })
    const before = session.processId
    const writer = new PurchaseWriter({ session, epoch: 0 })
    const rows = range(5).map((item) => new TestRow({ item, user: 1n }))
    proxy.swallowAnswers = true
    for (const row of rows) writer.submit(row)
    await until(() => session.state.status === 'lost')
    expect(session.lastError).toMatchObject({ code: 'watchdog_timeout' })
    expect(rows.every((row) => row.outcomes.length === 0)).toBe(true)
    proxy.swallowAnswers = false
    await writer.flushed()
    expect(new Set(outcomes(rows))).toEqual(new Set(['durable']))
    expect(await stored('purchases')).toBe(5)
    expect(session.processId).not.toBe(before)
  })

  test('that is stuck inside its transaction is ended by the next connection, which then writes', async () => {
    await reopenSession({ watchdogMs: 1_000, statementTimeoutMs: 800 })
    const writer = new CheckoutWriter({ session, epoch: 0 })
    const stuck = session.processId
    const rows = range(5).map((item) => new TestRow({ item, user: 1n }))
    proxy.swallowSync = true
    for (const row of rows) writer.submit(row)
    await until(() => session.state.status === 'lost')
    proxy.swallowSync = false
    const { rows: sessions } = await client.query('select state from pg_stat_activity where pid = $1', [stuck])
    expect(sessions).toHaveLength(1)
    await writer.flushed()
    expect(new Set(outcomes(rows))).toEqual(new Set(['durable']))
    expect(await stored('checkouts')).toBe(5)
    // It lets go of its locks before it leaves the list.
    await until(async () => (await client.query('select 1 from pg_stat_activity where pid = $1', [stuck])).rows.length === 0)
  })

  test('is not settled by a definite error of a later sending', async () => {
    const writer = new CheckoutWriter({ session, epoch: 0 })
    const rows = range(5).map((item) => new TestRow({ item, user: 1n }))
    proxy.swallowAnswers = true
    const answered = proxy.nextAnswer()
    for (const row of rows) writer.submit(row)
    await answered
    // The rows are committed; now the database refuses every write for a while.
    await client.query(`alter database ${client.database} set default_transaction_read_only = on`)
    proxy.swallowAnswers = false
    proxy.cut()
    await until(() => writer.counts().resolves >= 2)
    expect(writer.counts().lastError).toMatchObject({ code: '25006' })
    expect(rows.every((row) => row.outcomes.length === 0)).toBe(true)
    await client.query('set default_transaction_read_only = off')
    await client.query(`alter database ${client.database} reset default_transaction_read_only`)
    proxy.cut()
    await writer.flushed()
    expect(new Set(outcomes(rows))).toEqual(new Set(['durable']))
    expect(await stored('checkouts')).toBe(5)
  })

  test('of an old epoch is fenced when another instance took over in between', async () => {
    let told = 0
    const writer = new CheckoutWriter({ session, epoch: 0, onFenced: () => { told += 1 } })
    const row = new TestRow({ item: 1, user: 1n })
    proxy.refuse = true
    const answered = proxy.nextAnswer()
    proxy.swallowAnswers = true
    writer.submit(row)
    await answered
    await client.query('update lease set epoch = 7')
    proxy.swallowAnswers = false
    proxy.cut()
    proxy.refuse = false
    await writer.flushed()
    expect(outcomes([row])).toEqual(['fenced'])
    expect(told).toBe(1)
  })

  test('is unresolved when its session is closed for good, and rows never sent are aborted', async () => {
    const writer = new CheckoutWriter({ session, epoch: 0, batchRowsMax: 2 })
    const rows = range(4).map((item) => new TestRow({ item, user: 1n }))
    proxy.swallowAnswers = true
    const answered = proxy.nextAnswer()
    for (const row of rows) writer.submit(row)
    await answered
    proxy.refuse = true
    proxy.cut()
    await until(() => session.state.status === 'lost')
    await session.close()
    await writer.flushed()
    expect(outcomes(rows)).toEqual(['unresolved', 'unresolved', 'aborted', 'aborted'])
    expect(writer.refusal()).toBe('draining')
  })
})

describe('an outage', () => {
  test('keeps waiting rows for a short while, then aborts them and refuses new ones until it is over', async () => {
    const writer = new CheckoutWriter({ session, epoch: 0, unavailableAfterMs: 300 })
    proxy.refuse = true
    proxy.cut()
    await until(() => session.state.status === 'lost')
    const rows = range(3).map((item) => new TestRow({ item, user: 1n }))
    for (const row of rows) expect(writer.submit(row)).toBe(true)
    await until(() => writer.refusal() === 'storage_unavailable')
    expect(outcomes(rows)).toEqual(['aborted', 'aborted', 'aborted'])
    expect(writer.submit(new TestRow({ item: 9, user: 1n }))).toBe(false)
    proxy.refuse = false
    await until(() => writer.isAccepting())
    expect(await write(writer, [new TestRow({ item: 5, user: 1n })])).toEqual(['durable'])
    expect(await stored('checkouts')).toBe(1)
  })

  test('shorter than that loses nothing', async () => {
    const writer = new CheckoutWriter({ session, epoch: 0, unavailableAfterMs: 20_000 })
    proxy.cut()
    await until(() => session.state.status === 'lost')
    const rows = range(3).map((item) => new TestRow({ item, user: 1n }))
    expect(new Set(await write(writer, rows))).toEqual(new Set(['durable']))
  })
})

describe('a definite error', () => {
  test('aborts the rows of its batch and nothing else', async () => {
    const writer = new CheckoutWriter({ session, epoch: 0 })
    await client.query(`alter function megacache_record_checkouts rename to hidden`)
    const refused = range(3).map((item) => new TestRow({ item, user: 1n }))
    expect(await write(writer, refused)).toEqual(['aborted', 'aborted', 'aborted'])
    await client.query(`alter function hidden rename to megacache_record_checkouts`)
    expect(await write(writer, [new TestRow({ item: 1, user: 1n })])).toEqual(['durable'])
    expect(writer.counts().lastError).toMatchObject({ code: '42883' })
    expect(await stored('checkouts')).toBe(1)
  })

  test('of the statement time limit is definite: nothing was written, nothing is written later', async () => {
    await reopenSession({ watchdogMs: 15_000, statementTimeoutMs: 300 })
    await client.query('select pg_advisory_lock(13, 13)')
    const writer = new CheckoutWriter({ session, epoch: 0 })
    const rows = range(3).map((item) => new TestRow({ item, user: 13n }))
    expect(await write(writer, rows)).toEqual(['aborted', 'aborted', 'aborted'])
    expect(writer.counts()).toMatchObject({ resolves: 0, lastError: { code: '57014' } })
    await client.query('select pg_advisory_unlock(13, 13)')
    expect(await stored('checkouts')).toBe(0)
  })

  test('of serialization is tried again', async () => {
    await client.query(`create function fail_twice() returns trigger language plpgsql as $$
      begin
        if (select count(*) from pg_stat_activity where application_name = 'twice') > 0 then
          raise serialization_failure;
        end if;
        return new;
      end $$; create trigger twice before insert on checkouts for each row execute function fail_twice()`)
    await client.query(`set application_name = 'twice'`)
    const writer = new CheckoutWriter({ session, epoch: 0 })
    const failing = new TestRow({ item: 1, user: 1n })
    expect(await write(writer, [failing])).toEqual(['aborted'])
    const row = new TestRow({ item: 1, user: 1n })
    writer.submit(row)
    await until(() => writer.counts().rowsRetrying === 1 || row.outcomes.length > 0)
    await client.query('reset application_name')
    await writer.flushed()
    expect(outcomes([row])).toEqual(['durable'])
    await client.query('drop trigger twice on checkouts; drop function fail_twice')
  })
})

describe('the fence', () => {
  test('lets a take-over wait for the batch in flight, and every later batch of the old epoch writes nothing', async () => {
    const writer = new CheckoutWriter({ session, epoch: 0, batchRowsMax: 1 })
    const slow = new TestRow({ item: 1, user: 13n })
    const late = new TestRow({ item: 2, user: 1n })
    const other = await database.connect()
    await client.query('select pg_advisory_lock(13, 13)')
    writer.submit(slow)
    await lockAwaited(13, 13)
    await other.query(`select pg_advisory_lock('lease'::regclass::oid::integer, 3)`)
    const taken = other.query(`select megacache_take_lease('other', 15000)::int as epoch`)
    await lockAwaited(`'lease'::regclass`, 1)
    writer.submit(late)
    await client.query('select pg_advisory_unlock(13, 13)')
    // The new epoch exists only after the batch that saw the old one has ended.
    expect((await taken).rows).toEqual([{ epoch: 1 }])
    expect(await stored('checkouts')).toBe(1)
    await writer.flushed()
    expect(outcomes([slow, late])).toEqual(['durable', 'fenced'])
    expect(await stored('checkouts')).toBe(1)
    await other.end()
  })

  test('is not taken by a session without the holder lock, nor past its time limit', async () => {
    await expect(client.query(`select megacache_take_lease('other', 100)`)).rejects.toMatchObject({ code: '55000' })
    const other = await database.connect()
    await other.query(`begin; select pg_advisory_xact_lock_shared('lease'::regclass::oid::integer, 1)`)
    await client.query(`select pg_advisory_lock('lease'::regclass::oid::integer, 3)`)
    await expect(client.query(`select megacache_take_lease('other', 100)`)).rejects.toMatchObject({ code: '55P03' })
    await other.query('rollback')
    await other.end()
    await client.query('select pg_advisory_unlock_all()')
    expect((await client.query('select epoch::int from lease')).rows).toEqual([{ epoch: 0 }])
    expect(SALE).toBeGreaterThan(0)
  })
})
