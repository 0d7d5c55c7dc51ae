import { expect } from 'vitest'
import { expectNothingNoticed } from '../../test/hand-over/judge.ts'
import { handOversInNamespace } from '../../test/hand-over/namespace.ts'
import type { ScenarioOptions, ScenarioReport } from '../../test/hand-over/scenario.ts'
import type { Random } from '../../simulation/world/random.ts'
import type { Kind } from '../kind.ts'

const PERIOD_MS = 2_000
/** Sales that begin in a trial. */
const ROTATIONS_MIN = 6
const ROTATIONS_MAX = 9
/** Longer than any trial: a kept reservation is bought after the last hand-over. */
const RESERVATION_TTL = '120s'
/** Sales stay in memory as long as a reservation could live. */
const ITEMS = 40_000
const EXPIRY_MOVED_MS_MAX = 50

export const handOvers: Kind = {
  name: 'hand-overs',
  summary: 'new processes take over one after the other while sales begin every two seconds, under load; no request fails',
  goals: { rotations: { small: 5, long: 1_000 }, 'hand-overs': { small: 3, long: 200 } },
  run: (trials) => trials.each(async ({ seed, random }) => {
    const options = scenarioOf(seed, random)
    const report = await handOversInNamespace(options)
    trials.count('rotations', report.salesSeen - 1)
    trials.count('hand-overs', report.windows.length)
    trials.count('requests', report.requests)
    trials.peak('slowest request, ms', report.slowestMs)
    trials.peak('slowest hand-over, ms', Math.max(...report.windows.map(({ loadMs, parkedMs }) => loadMs + parkedMs)))
    expectNothingNoticed(report)
    expectSalesWhole(options, report)
  }),
}

function scenarioOf(seed: number, random: Random): ScenarioOptions {
  const count = random.integer(3, 5)
  const rotations = random.integer(ROTATIONS_MIN, ROTATIONS_MAX)
  return {
    handOvers: count,
    // One begins under way.
    loadMsMin: (rotations + 1) * PERIOD_MS,
    env: { SALE_PERIOD: `${PERIOD_MS}ms`, RESERVATION_TTL, THREADS: String(random.integer(1, 3)) },
    pauseMsMax: random.integer(0, 1_500),
    kept: random.integer(1, 40),
    clients: { busy: random.integer(2, 8), idle: random.integer(2, 16), fresh: random.integer(2, 8) },
    items: ITEMS,
    seed: `hand-overs/${seed}`,
  }
}

/** G11 and G12: codes keep their expiry, purchases their row, and no sale is left out. */
function expectSalesWhole({ handOvers: count, kept, loadMsMin }: ScenarioOptions, report: ScenarioReport): void {
  expect(report.windows).toHaveLength(count)
  expect(report.kept.filter(({ movedMs, status }) => status !== 200 || movedMs > EXPIRY_MOVED_MS_MAX), 'kept reservations').toEqual([])
  expect(report.kept).toHaveLength(kept)
  expect(report.purchaseRows).toBe(report.purchases + kept)
  expect(report.requests, 'load').toBeGreaterThan(100)
  expect(report.salesSeen, 'sales').toBeGreaterThanOrEqual(Math.floor(loadMsMin / PERIOD_MS))
}
