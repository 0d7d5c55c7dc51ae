import { describe, expect, test } from 'vitest'
import { fixturePerTest } from '../harness/fixture.ts'
import { answersOf } from '../harness/ledger-check.ts'
import { until } from '../harness/until.ts'
import { BATCHES, CUT_POINTS } from './cut-points.ts'
import { PostgresProxy } from './postgres-proxy.ts'
import { sellThroughCuts } from './sell-through-cuts.ts'
import { lasting, sellThroughFault } from './sell-through-fault.ts'

const ITEMS = 400
/** Cuts of each kind of batch. */
const CUTS = 2
const ENV = { SALE_ITEMS: String(ITEMS), RESERVATION_TTL: '1s', THREADS: '2' }
const fixture = fixturePerTest()

async function throughProxy(env: Readonly<Record<string, string>> = {}) {
  const database = await fixture.database()
  const proxy = await PostgresProxy.before(database.url)
  fixture.defer(() => proxy.close())
  const server = await fixture.server(database, { ...ENV, ...env, DATABASE_URL: proxy.url })
  return { database, proxy, server }
}

describe('a connection that breaks in the middle of a sell-out', () => {
  // G1, G2, G8, G15, defects 3, 4 and 18: what is in doubt is resolved by sending it again, and no slot stays stuck.
  test.each(CUT_POINTS)('%s of every few batches of each kind loses nothing and sells exactly all items', async (at) => {
    const how = at === 'after_sync' || at === 'before_ready' ? 'end' : 'reset'
    const cuts = BATCHES.flatMap((batch) => Array.from({ length: CUTS }, () => ({ at, batch, after: 4, how } as const)))
    await sellThroughCuts(fixture, { cuts, items: ITEMS, threads: 2, seed: 1 })
  })

  test('again and again, all connections at once, sells exactly all items', async () => {
    const { database, proxy, server } = await throughProxy()
    const fault = async (): Promise<void> => {
      for (let round = 0; round < 12; round++) {
        proxy.reset()
        await lasting(40 + 20 * round)
      }
    }
    await sellThroughFault(server, database, { items: ITEMS, fault, soldBefore: 1 })
  })
})

describe('a database behind a network that', () => {
  test('refuses connections for two seconds is answered 503 meanwhile, and everything is sold afterwards', async () => {
    const { database, proxy, server } = await throughProxy()
    const result = await sellThroughFault(server, database, {
      items: ITEMS,
      connections: 8,
      soldBefore: 50,
      fault: async () => {
        proxy.isRefusing = true
        proxy.reset()
        await lasting(1_500)
        await until('readiness tells of it', async () => (await fetch(`${server.url}/readyz`)).status === 503, 10_000, 50)
        await lasting(500)
        proxy.isRefusing = false
      },
    })
    expect(Object.keys(answersOf(result, 503)).join()).toContain('storage_unavailable')
  })

  // The watchdog of the client is ten seconds: the only test that waits for it.
  test('goes still without a word leaves purchases in doubt, answers them in time, and resolves them after the watchdog', async () => {
    const { database, proxy, server } = await throughProxy()
    const result = await sellThroughFault(server, database, {
      items: ITEMS,
      connections: 8,
      soldBefore: 50,
      fault: async () => {
        proxy.halfOpenAt = 'purchases'
        await lasting(6_500)
        proxy.halfOpenAt = undefined
        // Connections that were still stay dead: what they swallowed is lost.
      },
    })
    expect(Object.keys(answersOf(result, 503))).toContain('purchase storage_unavailable')
    // Every client has its answer in five seconds, and a tick: none has given up, after eight.
    expect(answersOf(result, 0)).toEqual({})
  })

  test('is slow delays answers and fails none', async () => {
    // Long enough that no reservation is too old to be handed out.
    const { database, proxy, server } = await throughProxy({ RESERVATION_TTL: '10s' })
    proxy.delayMs = 60
    const result = await sellThroughFault(server, database, { items: ITEMS, connections: 64 })
    expect(answersOf(result, 503)).toEqual({})
  })
})
