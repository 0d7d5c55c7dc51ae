import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { ConstantLoad, saleIdOf } from '../harness/constant-load.ts'
import { fixturePerTest } from '../harness/fixture.ts'
import { readMetrics } from '../harness/metrics.ts'
import type { SaleClient } from '../harness/sale-client.ts'
import { contradictions } from '../harness/test-database.ts'
import { until } from '../harness/until.ts'

const ROTATIONS = 2
const fixture = fixturePerTest()

/** Waits until so many milliseconds before the end of a sale, and returns that sale's id. */
async function beforeTheEnd(leftMs: number, periodMs: number): Promise<number> {
  const intoMs = Date.now() % periodMs
  await sleep((2 * periodMs - leftMs - intoMs) % periodMs)
  return Math.floor(Date.now() / periodMs) * (periodMs / 1000)
}

async function currentSaleId(client: SaleClient): Promise<number> {
  return (await client.sale()).saleId
}

describe('rotation', () => {
  // G11, and defects 5, 6, 7 and 8.
  test('under constant load refuses no connection, answers no 503 and lets nothing cross', async () => {
    const periodMs = 6_000
    const database = await fixture.database()
    const server = await fixture.server(database, { SALE_PERIOD: `${periodMs}ms`, SALE_ITEMS: '400', RESERVATION_TTL: '4s', THREADS: '2' })
    const client = fixture.client(server, 24)
    const load = new ConstantLoad()
    const ids: number[] = []
    fixture.defer(() => load.stop())
    load.start(client, server.port, { buyers: 16, items: 400, pauseMs: 3 })
    const endsAt = Date.now() + ROTATIONS * periodMs + 500
    while (Date.now() < endsAt || ids.length <= ROTATIONS) {
      const sentAtMs = Date.now()
      const saleId = await currentSaleId(client)
      // Each sale opens on time: however late an answer is, it names no sale that was over when it was asked for.
      expect(saleId * 1000).toBeGreaterThan(sentAtMs - periodMs - 50)
      expect(saleId * 1000).toBeLessThanOrEqual(Date.now())
      if (ids.at(-1) !== saleId) ids.push(saleId)
      await sleep(5)
    }
    await load.stop()

    expect(load.failures).toEqual([])
    const counts = load.counts()
    // Only these answers: no 503, no 500, no expired code.
    const { 'checkout 200': reserved = 0, 'purchase 200': purchased = 0, ...refused } = counts
    expect(purchased).toBe(reserved)
    expect(reserved).toBeGreaterThan(400)
    expect(Object.keys(refused).filter((key) => !/^checkout 409 (item_sold|item_reserved|sold_out)$/.test(key))).toEqual([])
    expect(load.visits).toBeGreaterThan(20)

    // Ids grow by one period each.
    expect(ids).toEqual(Array.from({ length: ids.length }, (_, index) => ids[0]! + index * (periodMs / 1000)))
    for (const { code, step, answer, sentAtMs, answeredAtMs } of load.answers) {
      if (step !== 'checkout' || answer.status !== 200) continue
      const startsAtMs = saleIdOf(code) * 1000
      expect(startsAtMs).toBeGreaterThan(sentAtMs - periodMs - 50)
      expect(startsAtMs).toBeLessThanOrEqual(answeredAtMs)
    }
    const crossed = await database.query(`
      select p.code from purchases p left join checkouts c on c.code = p.code and c.sale_id = p.sale_id
      where c.code is null or p.sale_id <> ('x' || left(p.code::text, 8))::bit(32)::bigint`)
    expect(crossed).toEqual([])
    expect(await contradictions(database)).toEqual([])

    // Old sales are given up: only the current one and its neighbours are in memory.
    await until('the first sale is retired', () => server.logged('sale retired').some(({ saleId }) => saleId === ids[0]), 30_000)
    const sales = new Set([...(await readMetrics(server)).keys()].flatMap((key) => /^megacache_items\{sale="(\d+)"/.exec(key)?.[1] ?? []))
    expect(sales.size).toBeLessThanOrEqual(3)
    expect(sales).not.toContain(String(ids[0]))
    expect(server.logs.filter(({ level }) => level > 40)).toEqual([])
  })

  test('honours a code of the old sale in its own sale until it expires', async () => {
    const [periodMs, ttlMs] = [8_000, 5_500]
    const database = await fixture.database()
    const server = await fixture.server(database, {
      SALE_PERIOD: `${periodMs}ms`, SALE_ITEMS: '50', RESERVATION_TTL: `${ttlMs}ms`, THREADS: '2', USER_LIMIT: '2',
    })
    const client = fixture.client(server)
    const saleId = await beforeTheEnd(2_500, periodMs)
    const nextId = saleId + periodMs / 1000
    expect(await currentSaleId(client)).toBe(saleId)
    // In one turn: what comes later would be another sale's on a loaded machine.
    const [used, late, unused] = await Promise.all([client.reserve(1, 0), client.reserve(1, 1), client.reserve(2, 2)])
    const answeredAt = performance.now()
    expect((await client.purchase(used)).status).toBe(200)
    expect([used, late, unused].map(saleIdOf)).toEqual([saleId, saleId, saleId])
    await sleep(nextId * 1000 + 10 - Date.now())

    // The new sale begins with all items and fresh limits.
    const next = await client.sale()
    expect(next).toMatchObject({ saleId: nextId, available: 50, reserved: 0, sold: 0 })
    const inNew = [await client.reserve(1, 0), await client.reserve(1, 1)]
    expect(inNew.map(saleIdOf)).toEqual([nextId, nextId])
    expect(await client.checkout(1, 2)).toMatchObject({ reason: 'user_limit_reached' })
    // A used code stays used, and its item in the new sale belongs to the new reservation.
    expect(await client.purchase(used)).toMatchObject({ status: 409, reason: 'already_purchased' })
    expect((await client.purchase(late)).status).toBe(200)
    expect((await client.reservation(late)).json).toMatchObject({ state: 'purchased', saleId })
    expect((await client.purchase(inNew[1]!)).status).toBe(200)
    expect(await database.query('select sale_id::int, item_id from purchases order by 1, 2')).toEqual([
      { sale_id: saleId, item_id: 0 }, { sale_id: saleId, item_id: 1 }, { sale_id: nextId, item_id: 1 },
    ])

    await sleep(answeredAt + ttlMs + 10 - performance.now())
    expect(await client.purchase(unused)).toMatchObject({ status: 409, reason: 'reservation_expired' })
    expect((await client.cancel(unused)).status).toBe(409)
    expect(await client.sale()).toMatchObject({ saleId: nextId, sold: 1 })
    expect(await contradictions(database)).toEqual([])
  })

  test('says the truth about codes whose sale is no longer in memory', async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, { SALE_PERIOD: '4s', SALE_ITEMS: '50', RESERVATION_TTL: '2s', THREADS: '1' })
    const client = fixture.client(server)
    const bought = await client.reserve(1, 0)
    expect((await client.purchase(bought)).status).toBe(200)
    const cancelled = await client.reserve(1, 2)
    expect((await client.cancel(cancelled)).status).toBe(204)
    const expired = await client.reserve(1, 1)
    await until('all sales of these codes are retired', () =>
      [bought, cancelled, expired].every((code) => server.logs.some(({ msg, saleId }) => msg === 'sale retired' && saleId === saleIdOf(code))), 30_000)
    expect(await client.purchase(bought)).toMatchObject({ status: 409, reason: 'already_purchased' })
    expect(await client.cancel(bought)).toMatchObject({ status: 409, reason: 'already_purchased' })
    expect(await client.purchase(expired)).toMatchObject({ status: 409, reason: 'reservation_expired' })
    expect(await client.cancel(expired)).toMatchObject({ status: 409, reason: 'reservation_expired' })
    expect(await client.purchase(cancelled)).toMatchObject({ status: 409, reason: 'unknown_code' })
    const states = await Promise.all([bought, expired, cancelled].map(async (code) => (await client.reservation(code)).json.state))
    expect(states).toEqual(['purchased', 'expired', 'cancelled'])
    // Codes of sales that never were, and of sales to come.
    for (const first of ['00000001', 'ffffffff']) {
      expect(await client.purchase(`${first}${bought.slice(8)}`)).toMatchObject({ status: 409, reason: 'unknown_code' })
    }
  })
})
