import { runSellOut } from '@megacache/loadgen'
import { type Embedded, startEmbedded } from '@megacache/persistence/embedded'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { dataDirectory } from '../harness/data-directory.ts'
import { fixturePerTest } from '../harness/fixture.ts'
import { lastingPort } from '../harness/free-port.ts'
import { answersOf, expectTrueLedger } from '../harness/ledger-check.ts'
import { createDatabase } from '../harness/test-database.ts'
import { until } from '../harness/until.ts'

const ITEMS = 2_500
const fixture = fixturePerTest()

/** A durable PostgreSQL of this test that comes back on the same port. */
async function cluster(): Promise<{ url: string; stop(): Promise<void>; crash(): Promise<void>; start(): Promise<void> }> {
  const dataDir = await dataDirectory(fixture)
  const port = await lastingPort()
  let running: Embedded = await startEmbedded({ dataDir, port })
  fixture.defer(() => running.stop())
  return {
    url: running.url,
    stop: () => running.stop(),
    crash: async () => {
      process.kill(running.pid, 'SIGKILL')
      await running.exited
    },
    start: async () => {
      running = await startEmbedded({ dataDir, port })
    },
  }
}

describe('PostgreSQL that', () => {
  // Section 6, G8, G9, and defects 2, 3, 4.
  test.each(['stop', 'crash'] as const)('goes away by a %s for two seconds: 503 with Retry-After meanwhile, then everything heals', async (how) => {
    const postgres = await cluster()
    const database = await createDatabase(postgres.url)
    const server = await fixture.server(database, { SALE_ITEMS: String(ITEMS), THREADS: '2', RESERVATION_TTL: '4s', UNSAFE_DATABASE: undefined })
    const client = fixture.client(server)
    const run = runSellOut({ url: server.url, connections: 48, users: 300, durationMs: 50_000 })
    await until('a part is sold', async () => (await client.sale()).sold > 500)
    const gone = postgres[how]()
    // Each thread notices by itself: all connections of this client are asked.
    await until('readiness tells of it on all threads', async () =>
      (await Promise.all(Array.from({ length: 48 }, () => client.call('GET', '/readyz')))).every(({ json }) => json.state === 'storage_unavailable'), 10_000)
    // Liveness does not need it. Every 503 is held against the contract, which wants Retry-After.
    expect((await client.call('GET', '/livez')).status).toBe(200)
    expect(await client.call('GET', '/readyz')).toMatchObject({ status: 503, json: { state: 'storage_unavailable' } })
    expect(await client.call('GET', '/health')).toMatchObject({ status: 503, json: { database: { state: 'lost' } } })
    const unavailable = { status: 503, reason: 'storage_unavailable', headers: { 'retry-after': '1' } }
    expect(await client.checkout(999_999, ITEMS - 1)).toMatchObject(unavailable)
    // Without its session the lease may be another one's by now.
    expect(await client.call('GET', '/items/1')).toMatchObject(unavailable)
    await gone
    await sleep(1_000)
    await postgres.start()
    await until('it serves again', async () => (await client.call('GET', '/readyz')).status === 200, 15_000)
    const result = await run
    expect(result).toMatchObject({ ended: 'sold_out', abandonedCount: 0 })
    expect(result.purchasedCount + result.soldByOthersCount).toBe(ITEMS)
    for (const status of [0, 500]) expect(answersOf(result, status), `status ${status}`).toEqual({})
    expect(Object.keys(answersOf(result, 503)).filter((key) => !key.endsWith('storage_unavailable'))).toEqual([])
    await expectTrueLedger(database, result.history)
    await until('nothing is stuck', async () => (await client.sale()).reserved === 0, 15_000)
    expect(await client.sale()).toMatchObject({ sold: ITEMS, available: 0 })
    expect((await server.stop()).code).toBe(0)
  })

  // Defect 9: a database that was down at the boundary was not asked again for an hour.
  test('is away when the next sale begins: that sale opens when it is back', async () => {
    const postgres = await cluster()
    const database = await createDatabase(postgres.url)
    const server = await fixture.server(database, { SALE_PERIOD: '2s', SALE_ITEMS: '10', RESERVATION_TTL: '1s', THREADS: '2', UNSAFE_DATABASE: undefined })
    const client = fixture.client(server)
    const before = (await client.sale()).saleId
    await postgres.stop()
    await until('its sale is over, and the next one as well', () => Date.now() > (before + 4) * 1000 + 200, 6_000)
    expect(await client.checkout(1, 1)).toMatchObject({ status: 503, reason: 'storage_unavailable' })
    await postgres.start()
    await until('a checkout works', async () => (await client.checkout(1, 1)).status === 200, 15_000)
    const { saleId } = await client.sale()
    expect(saleId).toBeGreaterThanOrEqual(before + 4)
    expect(Math.abs(Date.now() - saleId * 1000)).toBeLessThan(2_500)
    expect((await server.stop()).code).toBe(0)
  })
})
