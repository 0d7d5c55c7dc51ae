import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  postgresLedger,
  runSellOut,
  type SaleRunResult,
  salesOf,
  verifyLedger,
} from '../../src/index.ts'
import { FakeSale, type FakeOptions } from '../fake-sale.ts'
import { createLedgerDatabase, type LedgerDatabase } from '../ledger-database.ts'

let database: LedgerDatabase
const running: FakeSale[] = []

beforeAll(async () => {
  database = await createLedgerDatabase(inject('postgresUrl'))
})

beforeEach(() => database.clear())

afterEach(async () => {
  for (const fake of running.splice(0)) await fake.crash()
})

afterAll(() => database.drop())

async function fakeSale(options: FakeOptions): Promise<FakeSale> {
  const fake = new FakeSale({ store: database, ...options })
  await fake.start()
  running.push(fake)
  return fake
}

async function verified(
  result: SaleRunResult,
  expectSoldOut = true,
): Promise<ReturnType<typeof verifyLedger>> {
  const ledger = await postgresLedger(database.url).read(salesOf(result.history))
  return verifyLedger(result.history, ledger, { expectSoldOut })
}

function countOf(result: SaleRunResult, step: string, status: number, reason: string): number {
  const found = result.steps.find((each) => each.step === step)
  return found?.outcomes.find((o) => o.status === status && o.reason === reason)?.count ?? 0
}

describe('a sell-out of an honest service', () => {
  test.each([1, 7, 64])('sells every item over %d connections', async (connections) => {
    const fake = await fakeSale({ items: 300 })
    const result = await runSellOut({ url: fake.url, connections, users: 30 })
    expect(result).toMatchObject({ ended: 'sold_out', purchasedCount: 300, soldByOthersCount: 0 })
    expect(fake.connectionCount).toBe(connections + 1)
    expect(result.elapsedMs).toBeGreaterThan(0)
    expect(result.steps.map((step) => step.answerCount)).toEqual([300, 300])
    const verification = await verified(result)
    expect(verification.violations).toEqual([])
    expect(verification.checked).toMatchObject({
      acknowledgedCheckouts: 300,
      acknowledgedPurchases: 300,
      unknownCalls: 0,
      checkoutRows: 300,
      purchaseRows: 300,
      users: 30,
      purchasesOfOneUserMax: 10,
      explainedSales: 1,
    })
  })

  test('tries each item as often as there are contenders and buys it once', async () => {
    const fake = await fakeSale({ items: 60 })
    const result = await runSellOut({ url: fake.url, connections: 8, users: 10, contenders: 3 })
    expect(result).toMatchObject({ ended: 'sold_out', purchasedCount: 60, soldByOthersCount: 0 })
    expect(countOf(result, 'checkout', 409, 'item_sold')).toBe(120)
    expect((await verified(result)).violations).toEqual([])
  })

  test('is sold out when the last item goes to the last allowance, whatever the contenders', async () => {
    const fake = await fakeSale({ items: 60 })
    const result = await runSellOut({ url: fake.url, connections: 8, users: 6, contenders: 4 })
    expect(result).toMatchObject({ ended: 'sold_out', purchasedCount: 60 })
    expect(result.elapsedMs).toBeGreaterThan(0)
  })

  test('goes on with a sale that an earlier run left half sold', async () => {
    const fake = await fakeSale({ items: 200 })
    const first = await runSellOut({ url: fake.url, connections: 4, users: 10 })
    expect(first).toMatchObject({ ended: 'demand_exhausted', purchasedCount: 100 })
    const second = await runSellOut({ url: fake.url, connections: 4, users: 20, seed: 2 })
    expect(second).toMatchObject({
      ended: 'sold_out',
      purchasedCount: 100,
      soldByOthersCount: 100,
    })
    expect(countOf(second, 'checkout', 409, 'user_limit_reached')).toBeGreaterThan(0)
    expect((await verified(second)).violations).toEqual([])
  })

  test('repeats what was answered 503, whether or not it had an effect', async () => {
    const fake = await fakeSale({ items: 120, ttlMs: 400, overloadEvery: 11, doubtEvery: 13 })
    const result = await runSellOut({ url: fake.url, connections: 8, users: 20 })
    expect(result).toMatchObject({ ended: 'sold_out', purchasedCount: 120 })
    expect(countOf(result, 'checkout', 503, 'overloaded')).toBeGreaterThan(0)
    expect(countOf(result, 'purchase', 409, 'already_purchased')).toBeGreaterThan(0)
    const verification = await verified(result)
    expect(verification.violations).toEqual([])
    expect(verification.checked.unknownCalls).toBeGreaterThan(0)
  })

  test('takes a time-out as unknown and sends what follows over a new connection', async () => {
    let count = 0
    let reusedCount = 0
    const silenced = new Set<object>()
    const fake = await fakeSale({
      items: 40,
      intercept: (request) => {
        if (silenced.has(request.socket)) reusedCount++
        if (request.url === '/sale' || ++count % 15 !== 0) return false
        silenced.add(request.socket)
        return true
      },
    })
    const result = await runSellOut({
      url: fake.url,
      connections: 2,
      users: 10,
      requestTimeoutMs: 150,
    })
    expect(result).toMatchObject({ ended: 'sold_out', purchasedCount: 40 })
    expect(silenced.size).toBeGreaterThan(2)
    expect(reusedCount).toBe(0)
    const timeouts = ['checkout', 'purchase'].map((step) =>
      countOf(result, step, 0, 'UND_ERR_HEADERS_TIMEOUT'),
    )
    // A machine that is busy with others may let an honest answer be late as well.
    expect((timeouts[0] ?? 0) + (timeouts[1] ?? 0)).toBeGreaterThanOrEqual(silenced.size)
    expect((await verified(result)).violations).toEqual([])
  })

  test('rides through a crash and a restart of the service', async () => {
    const fake = await fakeSale({ items: 1_500, ttlMs: 500 })
    const run = runSellOut({ url: fake.url, connections: 16, users: 150, rideThroughMs: 10_000 })
    while (fake.soldCount < 300) await sleep(2)
    await fake.crash()
    await sleep(1_200)
    await fake.start()
    const result = await run
    expect(result.ended).toBe('sold_out')
    expect(result.purchasedCount + result.soldByOthersCount).toBe(1_500)
    const refused = ['checkout', 'purchase'].map((step) =>
      countOf(result, step, 0, 'ECONNREFUSED'),
    )
    expect((refused[0] ?? 0) + (refused[1] ?? 0)).toBeGreaterThan(0)
    expect((await verified(result)).violations).toEqual([])
  })

  test('gives up a target that stays away longer than it may', async () => {
    const fake = await fakeSale({ items: 1_500 })
    const run = runSellOut({ url: fake.url, connections: 16, users: 150, rideThroughMs: 300 })
    while (fake.soldCount < 300) await sleep(2)
    await fake.crash()
    const result = await run
    expect(result.ended).toBe('target_unreachable')
    expect(result.purchasedCount).toBeGreaterThanOrEqual(200)
    expect((await verified(result, false)).violations).toEqual([])
  })

  test('ends when the sale changes and keeps the answers of both apart', async () => {
    let purchases = 0
    const fake: FakeSale = await fakeSale({
      items: 400,
      intercept: (request) => {
        if (request.url?.startsWith('/purchase') === true && ++purchases === 150) {
          fake.rotate()
        }
        return false
      },
    })
    const result = await runSellOut({ url: fake.url, connections: 8, users: 40 })
    expect(result.ended).toBe('sale_changed')
    const sales = new Set(result.history.calls.map((call) => call.saleId))
    expect([...sales]).toEqual([1_800_000_000, 1_800_003_600])
    // What was reserved in the old sale may still be bought, one on each connection.
    expect(result.purchasedCount).toBeLessThan(150 + 8)
  })

  test('stops at the time limit', async () => {
    const fake = await fakeSale({ items: 10, overloadEvery: 1 })
    const result = await runSellOut({ url: fake.url, connections: 2, users: 10, durationMs: 300 })
    expect(result).toMatchObject({ ended: 'time_limit', purchasedCount: 0 })
    expect(result.elapsedMs).toBeGreaterThan(200)
  })

  test('stops on a signal and reports what there is', async () => {
    const fake = await fakeSale({ items: 2_000 })
    const stop = new AbortController()
    const run = runSellOut({ url: fake.url, connections: 4, users: 200 }, { signal: stop.signal })
    while (fake.soldCount < 100) await sleep(2)
    stop.abort()
    const result = await run
    expect(result.ended).toBe('stopped')
    expect(result.purchasedCount).toBe(fake.soldCount)
    expect((await verified(result, false)).violations).toEqual([])
  })

  test('gives up tries that are answered with what no client can act on', async () => {
    const fake = await fakeSale({ items: 20 })
    const result = await runSellOut({ url: fake.url, connections: 4, users: 10, items: 25 })
    expect(result).toMatchObject({ ended: 'completed', purchasedCount: 20, abandonedCount: 5 })
    expect(countOf(result, 'checkout', 400, 'invalid_parameter')).toBe(15)
  })
})
