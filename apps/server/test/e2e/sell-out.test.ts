import { runSellOut, type SaleRunResult } from '@megacache/loadgen'
import { describe, expect, test } from 'vitest'
import { fixturePerTest } from '../harness/fixture.ts'
import { answersOf, expectTrueLedger } from '../harness/ledger-check.ts'
import { SaleClient } from '../harness/sale-client.ts'

const fixture = fixturePerTest()

function expectOnlyGoodAnswers(result: SaleRunResult): void {
  for (const status of [0, 400, 404, 408, 500, 503]) expect(answersOf(result, status), `status ${status}`).toEqual({})
}

describe('a sell-out', () => {
  // G2, G3, G15, and defects 17 and 25: 10,000 items are sold exactly, whatever the batches.
  test.each([
    { threads: '1', connections: 128, items: 10_000 },
    { threads: '2', connections: 128, items: 10_000 },
    { threads: '2', connections: 16, items: 1_000 },
    { threads: '1', connections: 1, items: 300 },
  ])('over $connections connections with THREADS=$threads sells exactly $items items', async ({ threads, connections, items }) => {
    const database = await fixture.database()
    const server = await fixture.server(database, { THREADS: threads, SALE_ITEMS: String(items) })
    const result = await runSellOut({ url: server.url, connections, users: 1_000, durationMs: 150_000 })
    expect(result).toMatchObject({ ended: 'sold_out', purchasedCount: items, soldByOthersCount: 0, abandonedCount: 0 })
    expectOnlyGoodAnswers(result)
    const { checked } = await expectTrueLedger(database, result.history)
    expect(checked).toMatchObject({ acknowledgedPurchases: items, purchaseRows: items, unknownCalls: 0 })
    expect(checked.purchasesOfOneUserMax).toBeLessThanOrEqual(10)
    const client = fixture.client(server)
    expect(await client.sale()).toMatchObject({ sold: items, available: 0, reserved: 0 })
    expect(await client.checkout(5_000_000, 0)).toMatchObject({ status: 409, reason: 'sold_out' })
    // The sold-out sale survives a restart.
    expect((await server.stop()).code).toBe(0)
    const again = await fixture.server(database, { THREADS: threads, SALE_ITEMS: String(items) })
    const other = new SaleClient(again.url)
    expect(await other.sale()).toMatchObject({ sold: items, available: 0, reserved: 0 })
    expect(await other.checkout(5_000_000, 0)).toMatchObject({ status: 409, reason: 'sold_out' })
    await other.close()
  })

  test('with five buyers racing for each item sells each once', async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, { THREADS: '2', SALE_ITEMS: '1500' })
    const result = await runSellOut({ url: server.url, connections: 64, users: 300, contenders: 5, durationMs: 150_000 })
    expect(result).toMatchObject({ ended: 'sold_out', purchasedCount: 1_500, soldByOthersCount: 0 })
    expectOnlyGoodAnswers(result)
    const { 'checkout item_sold': sold = 0, 'checkout item_reserved': reserved = 0 } = answersOf(result, 409)
    expect(sold + reserved).toBeGreaterThan(1_000)
    await expectTrueLedger(database, result.history)
  })

  // Defect 20: refused attempts were not kept.
  test('leaves the counts of refused attempts in the database', async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, { SALE_ITEMS: '50', ATTEMPT_LOG: 'on', USER_LIMIT: '2' })
    const client = fixture.client(server)
    const codes = [await client.reserve(1, 0), await client.reserve(1, 1)]
    await client.checkout(1, 2)
    await client.checkout(2, 0)
    await client.purchase(codes[0]!)
    await client.checkout(2, 0)
    expect((await server.stop()).code).toBe(0)
    const counts = await database.query<{ reason: string; attempts: number }>('select reason, attempts::int from sale_attempts')
    const byReason = Object.fromEntries(counts.map(({ reason, attempts }) => [reason, attempts]))
    expect(byReason).toMatchObject({ user_limit_reached: 1, item_reserved: 1, item_sold: 1 })
    const attempts = await database.query('select user_id::int, item_id, outcome from attempts order by user_id, item_id, outcome')
    expect(attempts).toEqual([
      { user_id: 1, item_id: 0, outcome: 'reserved' }, { user_id: 1, item_id: 1, outcome: 'reserved' },
      { user_id: 1, item_id: 2, outcome: 'user_limit_reached' }, { user_id: 2, item_id: 0, outcome: 'item_reserved' },
      { user_id: 2, item_id: 0, outcome: 'item_sold' },
    ])
  })
})
