import { runSellOut, type SaleRunResult } from '@megacache/loadgen'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { answersOf, expectTrueLedger } from '../harness/ledger-check.ts'
import { readMetrics, sumOf } from '../harness/metrics.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import type { TestDatabase } from '../harness/test-database.ts'
import { until } from '../harness/until.ts'

export interface SellOptions {
  readonly items: number
  readonly connections?: number
  /** What goes wrong, beginning when a part of the items is sold. Resolves when it is over. */
  readonly fault?: () => Promise<void>
  /** How many items are sold before `fault` begins. */
  readonly soldBefore?: number
}

/**
 * Sells a whole sale while something goes wrong, and insists on all that must hold however it went: every
 * acknowledged answer is in the database, nothing is there twice, no answer is a 500, exactly all items
 * are sold, and neither memory nor the writers hold on to anything.
 */
export async function sellThroughFault(
  server: ServerProcess, database: TestDatabase, { items, connections = 32, fault, soldBefore = items / 5 }: SellOptions,
): Promise<SaleRunResult> {
  const run = runSellOut({
    url: server.url, connections, users: Math.ceil(items / 5), durationMs: 150_000, requestTimeoutMs: 8_000, rideThroughMs: 10_000,
  })
  // Looked at only below: a run that fails early must not count as unhandled.
  run.catch(() => {})
  if (fault !== undefined) {
    await until('some items are sold', async () => (await saleOf(server)).sold >= soldBefore, 30_000, 2)
    await fault()
  }
  const result = await run
  expect([result.ended, result.abandonedCount]).toEqual(['sold_out', 0])
  expect(result.purchasedCount + result.soldByOthersCount).toBe(items)
  for (const status of [400, 404, 405, 408, 500]) expect(answersOf(result, status), `status ${status}`).toEqual({})
  const { checked } = await expectTrueLedger(database, result.history)
  expect(checked.purchaseRows).toBe(items)
  await expectAtRest(server, items)
  return result
}

/** Everything is sold, nothing is reserved or under way, and the server still serves. */
export async function expectAtRest(server: ServerProcess, items: number): Promise<void> {
  expect(server.exit).toBeUndefined()
  await until('no row waits', async () => sumOf(await readMetrics(server), 'megacache_batch_rows_waiting') === 0)
  expect(await saleOf(server)).toMatchObject({ items, sold: items, reserved: 0, available: 0 })
  // A thread that was cut off may still be waiting to connect again.
  await until('it is ready', async () => (await fetch(`${server.url}/readyz`)).status === 200, 5_000, 50)
}

/** What the server tells of its sale, as soon as it may: without a proof of its lease it tells nothing (ADR 11). */
export async function saleOf(server: ServerProcess): Promise<{ items: number; sold: number; reserved: number; available: number }> {
  let answer = await fetch(`${server.url}/sale`)
  await until('the sale is told', async () => {
    if (answer.status !== 200) answer = await fetch(`${server.url}/sale`)
    return answer.status === 200
  }, 10_000, 20)
  return await answer.json() as { items: number; sold: number; reserved: number; available: number }
}

/** Lets a fault last. */
export const lasting = (ms: number): Promise<void> => sleep(ms)
