import { describe, expect, test } from 'vitest'
import { syntheticRun } from '../../test/synthetic-run.ts'
import type { RunResult, StepResult } from '../run-result.ts'
import { SeededRandom } from '../seeded-random.ts'
import { compareRuns, type NamedRun } from './compare-runs.ts'
import type { Comparison } from './comparison.ts'

const TEMPLATE = syntheticRun({ seed: 1, seconds: 20, answersPerSecond: 50, steps: ['request'] })
const RATE = 200

/**
 * A run of 20 s at an imposed rate on a machine that others use: its p50 varies by 2 % from run to run, its p99 by
 * 4 %, and one run in 25 is disturbed, which adds up to half to its tail. `factor` is how slow the target is.
 */
function noisyRun(random: SeededRandom, factor: number, index: number): RunResult {
  const isDisturbed = random.below(25) === 0
  const p50 = 4 * factor * Math.exp(0.02 * normal(random))
  const p99 = 12 * factor * Math.exp(0.04 * normal(random)) * (isDisturbed ? 1 + random.below(500) / 1_000 : 1)
  const summaryMs = { p50, p90: (p50 + p99) / 2, p99, p999: 2 * p99, max: 3 * p99, mean: p50 }
  const [step] = TEMPLATE.steps as [StepResult]
  return {
    ...TEMPLATE,
    startedAtMs: index,
    // Imposed, and yet never the same to the last digit.
    answersPerSecond: RATE * (1 + 1e-4 * normal(random)),
    steps: [{ ...step, dueLatency: { ...step.dueLatency, summaryMs } }],
  }
}

function side(random: SeededRandom, count: number, factor: number): NamedRun[] {
  return Array.from({ length: count }, (_, i) => ({ name: `${factor} ${i}`, run: noisyRun(random, factor, random.next()) }))
}

function compared(seed: number, count: number, factor: number, limits: readonly string[] = []): Comparison {
  const random = new SeededRandom(seed)
  return compareRuns(side(random, count, 1), side(random, count, factor), { limits, resamples: 100 })
}

function outcomes(count: number, factor: number, limit: string, pairs = 40): (string | undefined)[] {
  return Array.from({ length: pairs }, (_, seed) => compared(seed + 1, count, factor, [limit]).limits[0]?.outcome)
}

describe('a gate', () => {
  test.each(['p99>+5%', 'p50>+5%'])('%s is broken by the same thing in at most 10 of 200', (limit) => {
    expect(outcomes(6, 1, limit, 200).filter((outcome) => outcome === 'broken').length).toBeLessThanOrEqual(10)
  })

  test('that allows no change at all is broken by the same thing as seldom as stated', () => {
    // At most 5 % of 200, ten; 17 or more have a chance of 1 in 50 at that rate. The seeds are fixed.
    expect(outcomes(6, 1, 'p99>+0%', 200).filter((outcome) => outcome === 'broken').length).toBeLessThan(17)
  })

  test.each(['p99>+5%', 'p50>+5%'])('%s finds a tenth more in 9 of 10, with 6 runs on each side', (limit) => {
    expect(outcomes(6, 1.1, limit).filter((outcome) => outcome === 'broken').length).toBeGreaterThanOrEqual(36)
  })

  test.each([4, 5, 8])('finds a target ten times slower with %d runs on each side, whatever else is tested', (count) => {
    for (let seed = 1; seed <= 10; seed++) {
      const { limits } = compared(seed, count, 10, ['p99>+10%', 'rate<-5%', 'errors>+1pp'])
      expect(limits.map(({ outcome }) => outcome)).toEqual(['broken', 'kept', 'kept'])
    }
  })

  test.each([
    [1, 3],
    [2, 2],
    [3, 3],
  ])('with %d and %d runs says that they are too few, whatever they are', (first, second) => {
    const random = new SeededRandom(1)
    for (const factor of [1, 10]) {
      const { limits } = compareRuns(side(random, first, 1), side(random, second, factor), { limits: ['p99>+10%'] })
      expect(limits[0]?.outcome).toBe('not_judged')
      expect(limits[0]?.sentence).toContain(`4 on each side are needed, there are ${first} and ${second}`)
    }
  })

  test('needs more runs for a stricter level', () => {
    const random = new SeededRandom(1)
    const sides = [side(random, 5, 1), side(random, 5, 10)] as const
    const [limit] = compareRuns(...sides, { limits: ['p99>+10%'], alpha: 0.003 }).limits
    expect(limit?.sentence).toContain('6 on each side are needed, there are 5 and 5')
  })

  test('of what was not measured is not judged', () => {
    const random = new SeededRandom(1)
    const [step] = TEMPLATE.steps as [StepResult]
    const empty = { ...step, answerCount: 0, dueLatency: { ...step.dueLatency, count: 0 } }
    const none = side(random, 4, 1).map(({ name, run }) => ({ name, run: { ...run, steps: [empty] } }))
    const { limits } = compareRuns(none, side(random, 4, 1), { limits: ['p99>+10%'] })
    expect(limits[0]?.outcome).toBe('not_judged')
  })
})

describe('without a gate', () => {
  test('an imposed rate and constant errors take no part in the correction', () => {
    const { metrics } = compared(1, 6, 1)
    const tested = metrics.filter(({ pValue, adjustedPValue }) => pValue !== adjustedPValue || pValue !== 1)
    const verdicts = new Map(metrics.map(({ metric, verdict }) => [metric, verdict]))
    expect(verdicts.get('rate')).toBe('not_tested')
    // p50 and p99 share it: the smaller p is doubled, and no more.
    const [least] = tested.flatMap(({ pValue, adjustedPValue }) => (pValue === undefined ? [] : [[pValue, adjustedPValue ?? 0] as const])).toSorted((a, b) => a[0] - b[0])
    expect((least?.[1] ?? 0) / (least?.[0] ?? 1)).toBeCloseTo(2, 9)
  })

  test('a target ten times slower is found with 5 runs, and never called the same with fewer', () => {
    const words = (count: number): string | undefined => {
      const found = compared(3, count, 10).metrics.find(({ metric }) => metric === 'request.p99')
      return `${found?.verdict}: ${found?.sentence}`
    }
    expect(words(5)).toContain('worse: ')
    expect(words(4)).toContain('undecided: ')
    expect(words(4)).toContain('for 2 metrics together 5 runs on each side are needed')
  })

  test.each([1, 1.04, 1.1])('words and interval agree (factor %d)', (factor) => {
    for (let seed = 1; seed <= 40; seed++) {
      for (const { verdict, change, sentence } of compared(seed, 6, factor).metrics) {
        const isApart = (change?.low ?? 0) > 0 || (change?.high ?? 0) < 0
        if (verdict === 'no_difference_shown') expect(isApart, sentence).toBe(false)
        if (verdict === 'worse' || verdict === 'better') expect(isApart, sentence).toBe(true)
        expect(verdict, sentence).not.toBe('unclear')
      }
    }
  })

  test('the same thing is called different in at most 5 % of 40', () => {
    const found = Array.from({ length: 40 }, (_, seed) => compared(seed + 1, 6, 1)).filter(({ metrics }) =>
      metrics.some(({ verdict }) => verdict === 'worse' || verdict === 'better'),
    )
    expect(found.length).toBeLessThanOrEqual(2)
  })
})

function normal(random: SeededRandom): number {
  const share = (): number => (random.next() + 0.5) / 0x1_0000_0000
  return Math.sqrt(-2 * Math.log(share())) * Math.cos(2 * Math.PI * share())
}
