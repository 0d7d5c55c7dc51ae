import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fixturePerTest } from '../harness/fixture.ts'
import { answersOf } from '../harness/ledger-check.ts'
import { readMetrics, sumOf } from '../harness/metrics.ts'
import { skipWithout } from '../harness/skip-without.ts'
import { endServerSessions } from '../harness/test-database.ts'
import { until } from '../harness/until.ts'
import { OwnCluster } from './own-cluster.ts'
import { lasting, saleOf, sellThroughFault } from './sell-through-fault.ts'
import { canMount, fill, smallDisk } from './small-disk.ts'

const ITEMS = 1_000
// A cluster of its own flushes: no unsafe switch.
const ENV = { SALE_ITEMS: String(ITEMS), RESERVATION_TTL: '1s', THREADS: '2', UNSAFE_DATABASE: undefined }
const fixture = fixturePerTest()

async function withOwnCluster(settings: Readonly<Record<string, string>> = {}, directory?: string) {
  const cluster = await OwnCluster.start(fixture, settings, directory)
  const database = await fixture.database(cluster.url)
  const server = await fixture.server(database, ENV)
  return { cluster, database, server }
}

describe('in the middle of a sell-out PostgreSQL', () => {
  // G1, G8, G15.
  test('is stopped hard and started again, twice: everything acknowledged is there, and the rest is sold', async () => {
    const { cluster, database, server } = await withOwnCluster()
    const result = await sellThroughFault(server, database, {
      items: ITEMS,
      fault: async () => {
        for (const downMs of [0, 1_500]) {
          await cluster.stopHard()
          await lasting(downMs)
          await cluster.startAgain()
          const { sold } = await saleOf(server)
          await until('it sells again', async () => (await saleOf(server)).sold > Math.min(sold, ITEMS - 1), 30_000, 5)
        }
      },
    })
    expect(answersOf(result, 500)).toEqual({})
  })

  test('is frozen for two seconds: everything waits and nothing is lost', async () => {
    const { cluster, database, server } = await withOwnCluster()
    const result = await sellThroughFault(server, database, {
      items: ITEMS,
      fault: async () => {
        const goOn = await cluster.pause()
        await lasting(2_000)
        goOn()
      },
    })
    // Shorter than the patience of any client: only a reservation that would be dead on arrival is not handed out.
    expect(answersOf(result, 503)['purchase storage_unavailable']).toBeUndefined()
  })

  // Longer than every watchdog: connections are given up while PostgreSQL may still have their batches.
  test('is frozen for twelve seconds: what is in doubt is answered 503 in time and resolved when it wakes', async () => {
    const { cluster, database, server } = await withOwnCluster()
    const result = await sellThroughFault(server, database, {
      items: ITEMS,
      fault: async () => {
        const goOn = await cluster.pause()
        try {
          await lasting(12_000)
          expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
        } finally {
          goOn()
        }
      },
    })
    expect(Object.keys(answersOf(result, 503))).not.toEqual([])
    // None has given up, after eight seconds.
    expect(answersOf(result, 0)).toEqual({})
  })

  test('becomes read-only: checkouts and purchases are 503, nothing is in doubt, and selling goes on when it writes again', async () => {
    const { cluster, database, server } = await withOwnCluster()
    const result = await sellThroughFault(server, database, {
      items: ITEMS,
      connections: 4,
      soldBefore: 20,
      fault: async () => {
        await cluster.set('default_transaction_read_only', 'on')
        await lasting(1_500)
        await cluster.set('default_transaction_read_only')
      },
    })
    expect(Object.keys(answersOf(result, 503)).join()).toContain('storage_unavailable')
    expect(sumOf(await readMetrics(server), 'megacache_batch_resolves_total')).toBe(0)
  })

  test('has its sessions killed over and over: each batch is resolved on the next connection', async () => {
    const { database, server } = await withOwnCluster()
    await sellThroughFault(server, database, {
      items: ITEMS,
      soldBefore: 1,
      fault: async () => {
        let ended = 0
        for (let round = 0; round < 20 || (ended <= 20 && round < 400); round++) {
          ended += await endServerSessions(database)
          await lasting(60)
        }
        expect(ended).toBeGreaterThan(20)
      },
    })
  })

  test('has no room left on its disk: writes are refused, nothing acknowledged is lost, and selling goes on when there is room', async ({ skip }) => {
    skipWithout(canMount() ? undefined : 'a small file system is mounted here to be filled up, which needs root on Linux', skip)
    const disk = await smallDisk(fixture, 160)
    const { cluster, database, server } = await withOwnCluster({ max_wal_size: '64MB', min_wal_size: '32MB' }, disk)
    const filler = join(disk, 'filler')
    await fill(join(disk, 'first-filler'), 3)
    const result = await sellThroughFault(server, database, {
      items: ITEMS,
      connections: 4,
      soldBefore: 50,
      fault: async () => {
        await fill(filler)
        // Not only the tables' files must be unable to grow: so must the log, which ends PostgreSQL.
        await cluster.query('select pg_switch_wal()').catch(() => {})
        await until('writes are refused', async () => await checkoutStatus(server.url) === 503, 20_000, 20)
        await lasting(1_000)
        await rm(filler)
        await rm(join(disk, 'first-filler'))
        const isBack = await until('PostgreSQL serves again or has ended', async () =>
          cluster.hasEnded || await cluster.query('select 1').then(() => true, () => false), 20_000, 100).then(() => true, () => false)
        // Once PostgreSQL itself stayed in recovery, with room on its disk: an operator ends it then.
        if (!isBack) await cluster.stopHard()
        if (cluster.hasEnded) await cluster.startAgain()
      },
    })
    expect(Object.keys(answersOf(result, 503))).not.toEqual([])
  })
})

async function checkoutStatus(url: string): Promise<number> {
  const answer = await fetch(`${url}/checkout?user_id=${2 ** 40 + Math.floor(Math.random() * 2 ** 30)}&item_id=${Math.floor(Math.random() * ITEMS)}`, { method: 'POST' })
  await answer.text()
  return answer.status
}
