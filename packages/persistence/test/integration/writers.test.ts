import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { CancelWriter, CheckoutWriter, PurchaseWriter, type Session, createSession } from '../../src/index.ts'
import { testDatabase } from '../database.ts'
import { SALE, TestRow, freshSale, newCode, outcomes, write } from '../rows.ts'

const database = testDatabase()
const { client } = database
let session: Session

beforeAll(async () => {
  session = createSession({ connection: database.url, applicationName: 'megacache/0/writers' })
  await session.connected(5_000)
})
afterAll(() => session.close())
beforeEach(() => freshSale(client))

const checkouts = (): CheckoutWriter => new CheckoutWriter({ session, epoch: 0 })
const purchases = (): PurchaseWriter => new PurchaseWriter({ session, epoch: 0 })
const cancels = (): CancelWriter => new CancelWriter({ session, epoch: 0 })
const cancel = (code: string): TestRow => new TestRow({ item: 0, user: 1n, code })
const range = (count: number): number[] => [...Array(count).keys()]

describe('checkouts', () => {
  test('a durable row is in the table with every value as given', async () => {
    const expiresAtMs = 1_900_000_000_123.25
    const row = new TestRow({ item: 9_999, user: 42n, expiresAtMs })
    expect(await write(checkouts(), [row])).toEqual(['durable'])
    const { rows } = await client.query(`select sale_id, code, item_id, user_id, cancelled_at,
      extract(epoch from expires_at) * 1000 as expires, abs(extract(epoch from clock_timestamp() - created_at)) < 5 as is_now
      from checkouts`)
    expect(rows).toEqual([{
      sale_id: String(SALE), code: row.code, item_id: 9_999, user_id: '42', cancelled_at: null,
      expires: '1900000000123.250000', is_now: true,
    }])
  })

  test('user ids at the ends of int64 arrive as they are', async () => {
    const users = [0n, -1n, 2n ** 31n, -(2n ** 31n), 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]
    await write(checkouts(), users.map((user, item) => new TestRow({ item, user })))
    const { rows } = await client.query('select user_id from checkouts order by item_id')
    expect(rows.map((row) => BigInt(row.user_id))).toEqual(users)
  })

  test('rows sent again are durable and stay single', async () => {
    const rows = range(20).map((item) => new TestRow({ item, user: 1n }))
    const again = rows.map((row) => new TestRow({ item: row.itemId, user: 1n, code: row.code }))
    expect(new Set(await write(checkouts(), rows))).toEqual(new Set(['durable']))
    const fresh = new TestRow({ item: 20, user: 1n })
    expect(new Set(await write(checkouts(), [...again, fresh]))).toEqual(new Set(['durable']))
    expect((await client.query('select count(*)::int as n from checkouts')).rows[0].n).toBe(21)
  })

  test('a code that exists for another item or user is foreign, its neighbours are durable', async () => {
    const first = new TestRow({ item: 1, user: 1n })
    await write(checkouts(), [first])
    const others = [
      new TestRow({ item: 2, user: 1n }), new TestRow({ item: 2, user: 1n, code: first.code }),
      new TestRow({ item: 1, user: 2n, code: first.code }), new TestRow({ item: 3, user: 1n }),
    ]
    expect(await write(checkouts(), others)).toEqual(['durable', 'foreign', 'foreign', 'durable'])
  })

  test('20,000 rows pass through one writer although its queue is shorter', async () => {
    const writer = checkouts()
    const rows = range(20_000).map((item) => new TestRow({ item: item % 10_000, user: BigInt(item) }))
    let refused = 0
    for (const row of rows) {
      while (!writer.submit(row)) {
        refused += 1
        await writer.flushed()
      }
    }
    await writer.flushed()
    expect(new Set(outcomes(rows))).toEqual(new Set(['durable']))
    expect(refused).toBeGreaterThan(0)
    expect((await client.query('select count(*)::int as n from checkouts')).rows[0].n).toBe(20_000)
    expect(writer.counts()).toMatchObject({ rowsSettled: 20_000, rowsQueued: 0, rowsInFlight: 0, resolves: 0 })
  })

  test('a single batch of 14,000 rows is one statement', async () => {
    const writer = new CheckoutWriter({ session, epoch: 0, batchRowsMax: 14_000, queueRowsMax: 14_000 })
    await write(writer, range(14_000).map((item) => new TestRow({ item: item % 10_000, user: 1n })))
    expect(writer.counts().batches).toBe(1)
  })

  test('one batch may hold rows of two sales', async () => {
    const other = SALE + 3_600
    await freshSale(client, other)
    const writer = checkouts()
    await write(writer, [new TestRow({ item: 1, user: 1n }), new TestRow({ sale: other, item: 1, user: 1n })])
    expect(writer.counts().batches).toBe(1)
    const { rows } = await client.query('select sale_id::int as sale from checkouts order by 1')
    expect(rows).toEqual([{ sale: SALE }, { sale: other }])
  })

  test('only the row that the database refuses is poisoned', async () => {
    await client.query('alter table checkouts add constraint poison check (user_id <> 666) not valid')
    try {
      const rows = range(100).map((item) => new TestRow({ item, user: item === 37 || item === 99 ? 666n : 1n }))
      const result = await write(checkouts(), rows)
      expect(result.flatMap((outcome, item) => (outcome === 'poisoned' ? [item] : []))).toEqual([37, 99])
      expect(result.filter((outcome) => outcome === 'durable')).toHaveLength(98)
      expect((await client.query('select count(*)::int as n from checkouts')).rows[0].n).toBe(98)
    } finally {
      await client.query('alter table checkouts drop constraint poison')
    }
  })

  test('an item beyond the count of the sale is refused by the database, whoever writes it, and poisons its own row only', async () => {
    const rows = [0, 9_999, 10_000, 2_147_483_647].map((item) => new TestRow({ item, user: 1n }))
    expect(await write(checkouts(), rows)).toEqual(['durable', 'durable', 'poisoned', 'poisoned'])
    expect(await write(purchases(), rows.map(({ itemId, code }) => new TestRow({ item: itemId, user: 1n, code })))).toEqual(['durable', 'durable', 'poisoned', 'poisoned'])
    // Rows that may have been written before are settled one by one.
    const settled = client.query(`select megacache_settle_purchases(array[$1::bigint], array[gen_random_uuid()], array[10000], array[2::bigint])`, [SALE])
    await expect(settled).rejects.toMatchObject({ code: '23514' })
    for (const table of ['purchases', `purchases_p${Math.floor(SALE / 86_400)}`]) {
      await expect(client.query(`insert into ${table} values ($1, 10000, 1, 9, gen_random_uuid(), now())`, [SALE])).rejects.toMatchObject({ code: '23514' })
    }
    await expect(client.query(`insert into checkouts values ($1, gen_random_uuid(), 10000, 1, now(), now())`, [SALE])).rejects.toMatchObject({ code: '23514' })
    await expect(client.query(`insert into checkouts values ($1 + 1, gen_random_uuid(), 1, 1, now(), now())`, [SALE])).rejects.toMatchObject({ code: '23503' })
    expect((await client.query('select item_id from purchases order by 1')).rows).toEqual([{ item_id: 0 }, { item_id: 9_999 }])
  })

  test('numbers that are no item, sale or time poison their own row only', async () => {
    const rows = [
      new TestRow({ item: 1, user: 1n }), new TestRow({ item: 2 ** 31, user: 1n }),
      new TestRow({ item: 2, user: 1n, sale: Number.NaN }), new TestRow({ item: 3, user: 1n, expiresAtMs: Number.NaN }),
      new TestRow({ item: 4, user: 1n, sale: 1 }), new TestRow({ item: 5, user: 1n }),
    ]
    expect(await write(checkouts(), rows)).toEqual(
      ['durable', 'poisoned', 'poisoned', 'poisoned', 'poisoned', 'durable'])
  })
})

describe('purchases', () => {
  test('a durable purchase is stored with its ordinals counted per user', async () => {
    const rows = range(5).map((item) => new TestRow({ item, user: BigInt(item % 2) }))
    expect(new Set(await write(purchases(), rows))).toEqual(new Set(['durable']))
    const stored = await client.query('select item_id, user_id::int as u, user_ordinal as o, code from purchases order by 1')
    expect(stored.rows.map(({ item_id, u, o }) => [item_id, u, o])).toEqual(
      [[0, 0, 1], [1, 1, 1], [2, 0, 2], [3, 1, 2], [4, 0, 3]])
    expect(stored.rows.map(({ code }) => code)).toEqual(rows.map((row) => row.code))
  })

  test('the same code again is durable, another code is foreign, neighbours are durable', async () => {
    const first = new TestRow({ item: 1, user: 1n })
    await write(purchases(), [first])
    const result = await write(purchases(), [
      new TestRow({ item: 1, user: 1n, code: first.code }), new TestRow({ item: 1, user: 2n }),
      new TestRow({ item: 2, user: 1n }), new TestRow({ item: 3, user: 2n }),
    ])
    expect(result).toEqual(['durable', 'foreign', 'durable', 'durable'])
  })

  test('two codes for one item in one batch: exactly one is durable', async () => {
    const result = await write(purchases(), [new TestRow({ item: 7, user: 1n }), new TestRow({ item: 7, user: 2n })])
    expect(result.toSorted()).toEqual(['durable', 'foreign'])
  })

  test('above the limit of the sale a purchase is refused with limit', async () => {
    const result = await write(purchases(), range(12).map((item) => new TestRow({ item, user: 5n })))
    expect(result.filter((outcome) => outcome === 'durable')).toHaveLength(10)
    expect(result.filter((outcome) => outcome === 'limit')).toHaveLength(2)
    expect(await write(purchases(), [new TestRow({ item: 100, user: 5n })])).toEqual(['limit'])
    expect(await write(purchases(), [new TestRow({ item: 100, user: 6n })])).toEqual(['durable'])
  })

  test('a gap among the ordinals is filled, so nobody is refused below the limit', async () => {
    await write(purchases(), range(10).map((item) => new TestRow({ item, user: 5n })))
    await client.query('delete from purchases where item_id in (0, 3)')
    const result = await write(purchases(), range(3).map((item) => new TestRow({ item: 20 + item, user: 5n })))
    expect(result).toEqual(['durable', 'durable', 'limit'])
  })

  test('a purchase in a sale that does not exist is poisoned, its neighbours are durable', async () => {
    const rows = [new TestRow({ item: 1, user: 1n }), new TestRow({ item: 1, user: 1n, sale: SALE + 7 })]
    expect(await write(purchases(), rows)).toEqual(['durable', 'poisoned'])
    // Also when the rows are looked at one by one, because one of them was there before.
    const again = [new TestRow({ item: 1, user: 1n, code: rows[0]?.code ?? '' }), new TestRow({ item: 2, user: 1n, sale: SALE + 7 })]
    expect(await write(purchases(), again)).toEqual(['durable', 'poisoned'])
  })

  test('a batch waits for the purchases under way and counts on from them, without a second sending', async () => {
    const other = await database.connect()
    await other.query('begin')
    await other.query(`select megacache_record_purchases(0, array[$1::bigint], array[$2::uuid], array[1], array[5::bigint], false)`,
      [SALE, newCode()])
    const writer = purchases()
    const rows = [new TestRow({ item: 2, user: 5n }), new TestRow({ item: 3, user: 5n })]
    for (const row of rows) writer.submit(row)
    await new Promise((done) => {
      setTimeout(done, 50)
    })
    expect(rows.every((row) => row.outcomes.length === 0)).toBe(true)
    await other.query('commit')
    await other.end()
    await writer.flushed()
    expect(outcomes(rows)).toEqual(['durable', 'durable'])
    expect(writer.counts().lastError).toBeUndefined()
    const { rows: stored } = await client.query('select user_ordinal as o from purchases order by item_id')
    expect(stored.map(({ o }) => o)).toEqual([1, 2, 3])
  })

  test('two connections sell to the same users without a deadlock and exactly to the limit', async () => {
    const second = createSession({ connection: database.url, applicationName: 'megacache/0/second' })
    await second.connected(5_000)
    const writers = [purchases(), new PurchaseWriter({ session: second, epoch: 0, batchRowsMax: 64 })]
    const rows: TestRow[] = []
    for (let round = 0; round < 30; round += 1) {
      for (const [index, writer] of writers.entries()) {
        for (let n = 0; n < 50; n += 1) {
          // Opposite orders of users in the two writers.
          const user = BigInt(index === 0 ? n : 49 - n)
          const row = new TestRow({ item: rows.length, user })
          rows.push(row)
          expect(writer.submit(row)).toBe(true)
        }
      }
      await new Promise(setImmediate)
    }
    await Promise.all(writers.map((writer) => writer.flushed()))
    // Not one batch had to be sent again: each knew its ordinals for certain.
    expect(writers.map((writer) => writer.counts().lastError)).toEqual([undefined, undefined])
    const result = outcomes(rows)
    expect(result.filter((outcome) => outcome === 'durable')).toHaveLength(500)
    expect(result.filter((outcome) => outcome === 'limit')).toHaveLength(2_500)
    const counts = await client.query('select user_id, count(*)::int as n, max(user_ordinal) as top from purchases group by 1')
    expect(counts.rows).toHaveLength(50)
    expect(counts.rows.every(({ n, top }) => n === 10 && top === 10)).toBe(true)
    await second.close()
  })
})

describe('cancels', () => {
  test('a cancel is durable, also when repeated; unknown is missing; bought is foreign', async () => {
    const kept = new TestRow({ item: 0, user: 1n })
    const cancelled = new TestRow({ item: 1, user: 1n })
    const bought = new TestRow({ item: 2, user: 1n })
    await write(checkouts(), [kept, cancelled, bought])
    await write(purchases(), [new TestRow({ item: 2, user: 1n, code: bought.code })])
    expect(await write(cancels(), [cancel(cancelled.code)])).toEqual(['durable'])
    const { rows: before } = await client.query('select cancelled_at from checkouts where code = $1', [cancelled.code])
    expect(await write(cancels(), [cancel(cancelled.code), cancel(newCode()), cancel(bought.code)])).toEqual(
      ['durable', 'missing', 'foreign'])
    const { rows } = await client.query('select item_id, cancelled_at from checkouts order by 1')
    expect(rows.map((row) => row.cancelled_at !== null)).toEqual([false, true, false])
    expect(rows[1].cancelled_at).toEqual(before[0].cancelled_at)
  })
})

describe('a writer', () => {
  test('refuses when its queue is full, before the row is taken', async () => {
    const writer = new CheckoutWriter({ session, epoch: 0, queueRowsMax: 10 })
    const rows = range(11).map((item) => new TestRow({ item, user: 1n }))
    expect(rows.map((row) => writer.submit(row))).toEqual([...Array(10).fill(true), false])
    expect(writer.refusal()).toBe('overloaded')
    await writer.flushed()
    expect(writer.isAccepting()).toBe(true)
    expect(rows.at(-1)?.outcomes).toEqual([])
  })

  test('never settles inside submit, and sends the rows of one turn as one batch', async () => {
    const writer = checkouts()
    const rows = range(100).map((item) => new TestRow({ item, user: 1n }))
    for (const row of rows) writer.submit(row)
    expect(rows.every((row) => row.outcomes.length === 0)).toBe(true)
    await writer.flushed()
    expect(writer.counts().batches).toBe(1)
  })

  test('drains on close: nothing accepted is dropped, nothing more is accepted', async () => {
    const writer = new CheckoutWriter({ session, epoch: 0, batchRowsMax: 7 })
    const rows = range(50).map((item) => new TestRow({ item, user: 1n }))
    for (const row of rows) writer.submit(row)
    const closed = writer.close()
    expect(writer.submit(new TestRow({ item: 60, user: 1n }))).toBe(false)
    expect(writer.refusal()).toBe('draining')
    await closed
    expect(new Set(outcomes(rows))).toEqual(new Set(['durable']))
  })

  test('a flush barrier waits for what came before it and not for what came after', async () => {
    const writer = new CheckoutWriter({ session, epoch: 0, batchRowsMax: 5 })
    const before = range(20).map((item) => new TestRow({ item, user: 1n }))
    const after = range(200).map((item) => new TestRow({ item: 100 + item, user: 1n }))
    for (const row of before) writer.submit(row)
    const flushed = writer.flushed()
    for (const row of after) writer.submit(row)
    await flushed
    expect(new Set(outcomes(before))).toEqual(new Set(['durable']))
    expect(after.some((row) => row.outcomes.length === 0)).toBe(true)
    await writer.flushed()
  })

  test('of an old epoch writes nothing, tells it once and never accepts again', async () => {
    await client.query('update lease set epoch = 1')
    try {
      let told = 0
      const writer = new CheckoutWriter({ session, epoch: 0, batchRowsMax: 2, onFenced: () => { told += 1 } })
      const rows = range(10).map((item) => new TestRow({ item, user: 1n }))
      expect(new Set(await write(writer, rows))).toEqual(new Set(['fenced']))
      expect(told).toBe(1)
      expect(writer.refusal()).toBe('fenced')
      expect(writer.submit(new TestRow({ item: 50, user: 1n }))).toBe(false)
      expect(await write(purchases(), [new TestRow({ item: 1, user: 1n })])).toEqual(['fenced'])
      expect(await write(cancels(), [new TestRow({ item: 1, user: 1n })])).toEqual(['fenced'])
      expect((await client.query('select count(*)::int as n from checkouts')).rows[0].n).toBe(0)
    } finally {
      await client.query('update lease set epoch = 0')
    }
  })
})
