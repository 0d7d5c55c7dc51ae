import { runSellOut } from '@megacache/loadgen'
import { describe, expect, test } from 'vitest'
import { fixturePerTest } from '../harness/fixture.ts'
import { lastingPort } from '../harness/free-port.ts'
import { answersOf, expectTrueLedger } from '../harness/ledger-check.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { until } from '../harness/until.ts'

const KILLS = 4
const ITEMS = 2_000
const fixture = fixturePerTest()

describe('kill -9 during a sell-out', () => {
  // G1, G2, G5, G15: no acknowledged answer is lost, nothing is sold twice, and the rest is sold afterwards.
  test.each([1, 2])('with THREADS=%d, again and again, ends exactly sold out with every answer true', async (threads) => {
    const database = await fixture.database()
    const env = { THREADS: String(threads), SALE_ITEMS: String(ITEMS), RESERVATION_TTL: '2s', PORT: String(await lastingPort()) }
    let server: ServerProcess = await fixture.server(database, env)
    const { url } = server
    // Somewhere in each fifth: where exactly is the scheduler's choice as well.
    const thresholds = Array.from({ length: KILLS }, (_, kill) => Math.floor((kill + 0.2 + 0.8 * Math.random()) * (ITEMS / (KILLS + 1))))
    const run = runSellOut({ url, connections: 48, users: 250, durationMs: 200_000, rideThroughMs: 60_000, requestTimeoutMs: 5_000 })
    // Looked at only below: a run that fails early must not count as unhandled.
    run.catch(() => {})
    for (const threshold of thresholds) {
      await until(`${threshold} items are sold`, async () => await soldBy(url) >= threshold, 60_000, 2)
      await server.crash()
      server = await fixture.server(database, env)
      expect(server.logged('recovered')).toHaveLength(1)
    }
    const result = await run
    expect(result, `killed at ${thresholds.join(', ')}`).toMatchObject({ ended: 'sold_out', abandonedCount: 0 })
    expect(result.purchasedCount + result.soldByOthersCount).toBe(ITEMS)
    expect(answersOf(result, 500)).toEqual({})
    expect(Object.keys(answersOf(result, 0))).not.toEqual([])
    const { checked } = await expectTrueLedger(database, result.history)
    expect(checked.purchaseRows).toBe(ITEMS)
    expect(await fixture.client(server).sale()).toMatchObject({ sold: ITEMS, reserved: 0, available: 0 })
  })
})

async function soldBy(url: string): Promise<number> {
  const { sold } = await (await fetch(`${url}/sale`)).json() as { sold: number }
  return sold
}
