import { postgresLedger, runLoad, type RunResult, salesOf, verifyLedger } from '@megacache/loadgen'
import { describe, expect, test } from 'vitest'
import { fixturePerTest } from '../harness/fixture.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { contradictions, type TestDatabase } from '../harness/test-database.ts'

const fixture = fixturePerTest()

/** Each preset of the load generator, what makes it short here, and what it must have seen. */
const PRESETS: readonly [name: string, options: object, seen: (result: RunResult) => void][] = [
  ['chain', {}, (result) => expect(result).toMatchObject({ ended: 'sold_out', counters: { purchased: 500 } })],
  ['checkout', {}, (result) => expect(result).toMatchObject({ ended: 'completed', counters: { reserved: 500, purchased: 0 } })],
  ['refusals', { durationMs: 2_000 }, (result) => expect(countOf(result, 409)).toBeGreaterThan(20)],
  [
    'launch-spike',
    { durationMs: 4_000, arrivals: { kind: 'spike', basePerSecond: 20, peakPerSecond: 400, atMs: 500, lengthMs: 500, isPoisson: true } },
    (result) => {
      expect(result.arrivals.dueCount).toBeGreaterThan(100)
      expect(counterOf(result, 'purchased')).toBeGreaterThan(20)
    },
  ],
  ['hoarder', { durationMs: 2_000, users: 50 }, (result) => expect(counterOf(result, 'hoardersAtTheLimit')).toBeGreaterThan(0)],
  ['limit-breaker', { durationMs: 3_000, users: 20 }, (result) => {
    expect(counterOf(result, 'purchased')).toBeGreaterThan(10)
    expect(counterOf(result, 'limitsBroken')).toBe(0)
    expect(reasonsOf(result)).toContain('user_limit_reached')
  }],
  ['double-submit', { durationMs: 3_000 }, (result) => {
    expect(counterOf(result, 'purchased')).toBeGreaterThan(10)
    expect(counterOf(result, 'boughtTwice')).toBe(0)
    expect(reasonsOf(result)).toContain('already_purchased')
  }],
  [
    'expiry-storm',
    { durationMs: 4_000, arrivals: { kind: 'constant', perSecond: 60, isPoisson: true } },
    (result) => {
      expect(counterOf(result, 'purchased')).toBeGreaterThan(0)
      expect(counterOf(result, 'expired')).toBeGreaterThan(0)
    },
  ],
  [
    'rotation-edge',
    { durationMs: 9_000, arrivals: { kind: 'constant', perSecond: 40, isPoisson: true } },
    (result) => expect(counterOf(result, 'heldAcrossTheEnd')).toBeGreaterThan(0),
  ],
  [
    'retry-storm',
    { durationMs: 1_500, requestTimeoutMs: 10, connections: 64 },
    // On a loaded machine hardly an answer comes in time.
    (result) => expect(counterOf(result, 'reserved') + counterOf(result, 'retries')).toBeGreaterThan(0),
  ],
  [
    'slow-buyer',
    { durationMs: 4_000, arrivals: { kind: 'constant', perSecond: 60, isPoisson: true } },
    (result) => {
      expect(counterOf(result, 'purchased')).toBeGreaterThan(0)
      expect(counterOf(result, 'tooLate')).toBeGreaterThan(0)
    },
  ],
  [
    'audit',
    { durationMs: 5_000, users: 60 },
    (result) => {
      const provoked = ['item_reserved', 'item_sold', 'user_limit_reached', 'already_purchased', 'reservation_expired', 'unknown_code']
      expect(reasonsOf(result)).toEqual(expect.arrayContaining(provoked))
      expect(counterOf(result, 'purchased')).toBeGreaterThan(5)
    },
  ],
]

describe('the load generator\'s preset', () => {
  test.each(PRESETS)('%s runs, and every answer that it got was true', async (name, options, seen) => {
    const database = await fixture.database()
    const isAboutTime = ['expiry-storm', 'rotation-edge', 'slow-buyer', 'hoarder', 'audit'].includes(name)
    const server = await fixture.server(database, {
      SALE_ITEMS: '500',
      RESERVATION_TTL: isAboutTime ? '1500ms' : '60s',
      SALE_PERIOD: name === 'rotation-edge' ? '6s' : '1h',
    })
    const { result, history } = await runLoad(name, { url: server.url, connections: 16, users: 300, ...options })
    seen(result)
    for (const status of [400, 404, 405, 408, 500]) expect(countOf(result, status), `status ${status}`).toBe(0)
    await expectTrue(server, database, history)
  })
})

async function expectTrue(server: ServerProcess, database: TestDatabase, history: Parameters<typeof salesOf>[0]): Promise<void> {
  expect(server.exit).toBeUndefined()
  const verification = verifyLedger(history, await postgresLedger(database.url).read(salesOf(history)))
  expect(verification.violations).toEqual([])
  expect(await contradictions(database)).toEqual([])
}

function countOf(result: RunResult, status: number): number {
  const outcomes = result.steps.flatMap((step) => step.outcomes)
  return outcomes.filter((outcome) => outcome.status === status).reduce((sum, { count }) => sum + count, 0)
}

function reasonsOf(result: RunResult): string[] {
  return result.steps.flatMap((step) => step.outcomes.map(({ reason }) => reason))
}

function counterOf(result: RunResult, name: string): number {
  return result.counters[name] ?? 0
}
