import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Attempt, AttemptLog, type Session, createSession } from '../../src/index.ts'
import { testDatabase } from '../database.ts'
import { SALE, freshSale } from '../rows.ts'

const database = testDatabase()
const { client } = database
let session: Session

const attempt = (itemId: number, outcome: string = 'item_sold'): Attempt => ({
  saleId: SALE, itemId, userLow: -1, userHigh: 0x7fff_ffff, attemptedAtMs: 1_900_000_000_000, outcome,
})

beforeAll(async () => {
  session = createSession({ connection: database.url, applicationName: 'megacache/0/attempts' })
  await session.connected(5_000)
})
afterAll(() => session.close())
beforeEach(async () => {
  await freshSale(client)
  await client.query('truncate attempts')
})

describe('the log of attempts', () => {
  test('appends every attempt with its values', async () => {
    const log = new AttemptLog({ session, flushEveryMs: 10, batchRowsMax: 100 })
    for (let item = 0; item < 1_000; item += 1) log.append(attempt(item, item === 7 ? 'odd "\\{},' : 'item_sold'))
    await log.close()
    expect(log.counts()).toEqual({ written: 1_000, dropped: 0, held: 0 })
    const { rows } = await client.query(`select count(*)::int as n, count(distinct item_id)::int as items,
      min(user_id) as u, extract(epoch from max(attempted_at))::int as at from attempts`)
    expect(rows).toEqual([{ n: 1_000, items: 1_000, u: String(2n ** 63n - 1n), at: 1_900_000_000 }])
    expect((await client.query('select outcome from attempts where item_id = 7')).rows).toEqual([{ outcome: 'odd "\\{},' }])
  })

  test('drops and counts what has no room, and never refuses the caller', async () => {
    const log = new AttemptLog({ session, capacity: 10 })
    for (let item = 0; item < 25; item += 1) log.append(attempt(item))
    expect(log.counts()).toEqual({ written: 0, dropped: 15, held: 10 })
    await log.close()
    expect(log.counts()).toEqual({ written: 10, dropped: 15, held: 0 })
  })

  test('counts a statement that failed as dropped and goes on', async () => {
    const log = new AttemptLog({ session, capacity: 100 })
    log.append({ ...attempt(1), saleId: 1 })
    await log.close()
    expect(log.counts()).toEqual({ written: 0, dropped: 1, held: 0 })
  })
})
