import { mergeHistories } from '@megacache/loadgen'
import { expect } from 'vitest'
import type { Fixture } from '../harness/fixture.ts'
import { expectTrueLedger } from '../harness/ledger-check.ts'
import { readMetrics, sumOf } from '../harness/metrics.ts'
import { until } from '../harness/until.ts'
import { CancellingLoad } from './cancelling-load.ts'
import type { Cut } from './cut-points.ts'
import { PostgresProxy } from './postgres-proxy.ts'
import { sellThroughFault } from './sell-through-fault.ts'

/** Clients of either kind: no batch has more rows, so there are as many batches as the cuts need. */
const CONNECTIONS = 16
const RESERVATION_TTL = '1s'
/** Half of it takes a few seconds on a quiet machine; one at load 18 has needed more than 30. */
const CUT_MS_MAX = 90_000

export interface CutSale {
  readonly cuts: readonly Cut[]
  readonly items: number
  readonly threads: number
  readonly seed: number
  /** Default: the cluster of the test run. */
  readonly clusterUrl?: string
}

/**
 * Gives reservations back and then sells a whole sale while batches of every kind are cut off, and insists that each cut
 * happened, that each left its batch in doubt and was resolved, and on all that must hold however it went.
 */
export async function sellThroughCuts(fixture: Fixture, { cuts, items, threads, seed, clusterUrl }: CutSale): Promise<void> {
  const database = await fixture.database(clusterUrl)
  const proxy = await PostgresProxy.before(database.url)
  fixture.defer(() => proxy.close())
  const server = await fixture.server(database, {
    SALE_ITEMS: String(items), RESERVATION_TTL, THREADS: String(threads), DATABASE_URL: proxy.url,
  })
  const plan = proxy.cut(cuts)
  const cancelling = await CancellingLoad.start(server, CONNECTIONS, seed)
  // What is sold cannot be given back any more.
  await until('batches of cancels are cut', () => plan.isOverFor('cancels'), CUT_MS_MAX)
  let others = mergeHistories([])
  const result = await sellThroughFault(server, database, {
    items,
    connections: CONNECTIONS,
    soldBefore: 1,
    fault: async () => {
      await until('all that was planned is cut', () => plan.isOver, CUT_MS_MAX)
      others = await cancelling.stop()
    },
  })
  expect(sumOf(await readMetrics(server), 'megacache_batch_resolves_total')).toBeGreaterThanOrEqual(cuts.length)
  const { checked } = await expectTrueLedger(database, mergeHistories([others, result.history]))
  expect(checked.acknowledgedCancels).toBe(cancelling.cancelledCount)
  expect(cancelling.cancelledCount).toBeGreaterThan(0)
}
