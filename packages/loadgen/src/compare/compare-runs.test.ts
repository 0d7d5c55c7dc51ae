import { describe, expect, test } from 'vitest'
import { syntheticRun, type SyntheticRun } from '../../test/synthetic-run.ts'
import type { RunResult } from '../run-result.ts'
import { compareRuns, type CompareOptions, type NamedRun } from './compare-runs.ts'
import { comparisonMarkdown } from './comparison-markdown.ts'
import { comparisonText } from './comparison-text.ts'
import type { Comparison, MetricComparison } from './comparison.ts'

const SMALL: Omit<SyntheticRun, 'seed'> = {
  seconds: 60,
  answersPerSecond: 100,
  steps: ['purchase'],
}

function named(name: string, run: RunResult): NamedRun[] {
  return [{ name, run }]
}

function compare(
  first: SyntheticRun,
  second: SyntheticRun,
  options: CompareOptions = {},
): Comparison {
  return compareRuns(
    named('a', syntheticRun({ ...SMALL, ...first })),
    named('b', syntheticRun({ ...SMALL, ...second })),
    { resamples: 400, ...options },
  )
}

function metric(comparison: Comparison, name: string): MetricComparison {
  const found = comparison.metrics.find((one) => one.metric === name)
  if (found === undefined) throw new Error(`${name} was not compared`)
  return found
}

function findings(comparison: Comparison): MetricComparison[] {
  return comparison.metrics.filter(({ verdict }) => verdict === 'better' || verdict === 'worse')
}

describe('two runs of one thing', () => {
  // What each second has of the one before: nothing, and a half.
  test.each([0, 0.5])(
    'are called different as seldom as stated (persistence %d)',
    (persistence) => {
      const pairs = 60
      const found = Array.from({ length: pairs }, (_, i) =>
        compare(
          { seed: 2 * i + 1, persistence },
          { seed: 2 * i + 2, persistence },
          { resamples: 200 },
        ),
      ).filter((comparison) => findings(comparison).length > 0)
      // At most 5 % of 60, three; eight or more have a chance of 1 in 100 at that rate. The seeds
      // are fixed, so that this is no matter of luck.
      expect(found.length).toBeLessThan(8)
    },
  )

  test('are not called different when they are the very same', () => {
    const comparison = compare({ seed: 1 }, { seed: 1 })
    expect(findings(comparison)).toEqual([])
    expect(metric(comparison, 'purchase.p99').change?.estimate).toBe(0)
    expect(comparison.warnings.map(({ sentence }) => sentence)).toContain(
      'a and b are the same run, given twice.',
    )
  })
})

describe('a slower run', () => {
  test('is found, with its size inside the bounds', () => {
    const found = Array.from({ length: 20 }, (_, i) =>
      metric(
        compare(
          { seed: i + 1, persistence: 0.3 },
          { seed: i + 101, medianMs: 5.2, persistence: 0.3 },
        ),
        'purchase.p50',
      ),
    )
    const verdicts = found.map(({ verdict }) => verdict)
    // The length of the blocks is an estimate: now and then it leaves too few of them.
    expect(verdicts.filter((verdict) => verdict === 'worse').length).toBeGreaterThanOrEqual(18)
    expect(verdicts).not.toContain('better')
    const inside = found.filter(
      ({ change }) => change !== undefined && change.low < 0.3 && change.high > 0.3,
    )
    expect(inside.length).toBeGreaterThanOrEqual(16)
  })

  test('is told in words with its bounds and chance', () => {
    const comparison = compare({ seed: 1 }, { seed: 2, medianMs: 5.2 })
    const { sentence } = metric(comparison, 'purchase.p50')
    expect(sentence).toMatch(
      /^B's purchase p50 is \d+ % to \d+ % slower \([\d.]+ ms against [\d.]+ ms\); such a difference by chance is unlikely \(p [<=] 0\.\d+\)\.$/,
    )
    const text = comparisonText(comparison)
    expect(text).toContain(sentence)
    expect(comparisonMarkdown(comparison)).toContain('| purchase.p50 |')
    expect(JSON.parse(JSON.stringify(comparison))).toMatchObject({ basis: 'seconds' })
  })

  test('is found from its sending as well, and by any metric that is asked for', () => {
    const comparison = compare(
      { seed: 1 },
      { seed: 2, medianMs: 6 },
      { metrics: ['send.p50', 'purchase.mean', 'purchase.max'] },
    )
    expect(metric(comparison, 'purchase.send.p50').verdict).toBe('worse')
    expect(metric(comparison, 'purchase.mean').verdict).toBe('worse')
    expect(metric(comparison, 'purchase.max').pValue).toBeLessThan(0.05)
    expect(metric(comparison, 'purchase.p50').verdict).toBe('not_tested')
  })

  test('is better the other way round', () => {
    const comparison = compare({ seed: 1, medianMs: 5.2 }, { seed: 2 })
    expect(metric(comparison, 'purchase.p50').verdict).toBe('better')
    expect(metric(comparison, 'purchase.p50').sentence).toContain('faster')
  })
})

describe('throughput and errors', () => {
  test('are compared in their own directions', () => {
    const comparison = compare(
      { seed: 1 },
      { seed: 2, answersPerSecond: 80, errorShare: 0.03, fields: { options: { arrivals: 'constant 80/s' } } },
    )
    expect(metric(comparison, 'rate')).toMatchObject({ verdict: 'worse' })
    expect(metric(comparison, 'rate').sentence).toContain('lower')
    expect(metric(comparison, 'errors')).toMatchObject({ verdict: 'worse', first: 0 })
    expect(metric(comparison, 'errors').sentence).toContain('percentage points higher')
  })
})

describe('sets of runs', () => {
  const set = (from: number, medianMs: number, count = 6): NamedRun[] =>
    Array.from({ length: count }, (_, i) => ({
      name: `${medianMs}-${i}`,
      run: syntheticRun({ ...SMALL, seconds: 25, seed: from + i, medianMs, drift: 0.03 }),
    }))

  test('are compared run by run', () => {
    const comparison = compareRuns(set(1, 4), set(21, 4.8), { resamples: 200 })
    expect(comparison.basis).toBe('runs')
    const p50 = metric(comparison, 'purchase.p50')
    expect(p50).toMatchObject({ verdict: 'worse', firstCount: 6, secondCount: 6, method: 'exact' })
    expect(p50.change?.low).toBeGreaterThan(0.1)
    expect(p50.change?.high).toBeLessThan(0.3)
  })

  test('of the same thing are not called different', () => {
    expect(findings(compareRuns(set(1, 4), set(41, 4), { resamples: 200 }))).toEqual([])
  })

  test('of three cannot be judged, and say so', () => {
    const comparison = compareRuns(set(1, 4, 3), set(21, 8, 3), { resamples: 200 })
    const p50 = metric(comparison, 'purchase.p50')
    expect(p50.verdict).toBe('undecided')
    expect(p50.sentence).toContain('cannot be judged from 3 and 3 runs')
    expect(p50.change?.confidence).toBeCloseTo(0.9, 6)
  })
})

describe('limits', () => {
  test.each([
    ['p50>+10%', 5.2, 'broken'],
    ['p50>+60%', 5.2, 'kept'],
    ['purchase.p50>+0.5ms', 5.2, 'broken'],
    ['purchase.p50>+5ms', 5.2, 'kept'],
    ['purchase.p50<-10%', 3, 'broken'],
    ['purchase.p50>-50%', 4, 'undecided'],
  ] as const)('%s with a median of 4 and %d ms is %s', (limit, medianMs, outcome) => {
    const comparison = compare({ seed: 1 }, { seed: 4, medianMs }, { limits: [limit] })
    expect(comparison.limits.map((one) => one.outcome)).toEqual([outcome])
    expect(comparison.limits[0]?.sentence).toContain(limit)
  })

  test('of errors are points, or relative to what there was', () => {
    const options = { limits: ['errors>+1pp', 'errors>+10%', 'errors>+20pp'] }
    const comparison = compare({ seed: 1 }, { seed: 2, errorShare: 0.04 }, options)
    expect(comparison.limits.map(({ outcome }) => outcome)).toEqual(['broken', 'broken', 'kept'])
  })

  test.each([
    'p99',
    'p99>10%',
    'p98>+10%',
    'rate>+5ms',
    'sale.p99>+1%',
    'p99>+10kg',
    'p99 >> +1%',
  ])('%s is refused', (limit) => {
    expect(() => compare({ seed: 1 }, { seed: 2 }, { limits: [limit] })).toThrow(
      expect.objectContaining({ code: 'LOADGEN_OPTION_INVALID' }),
    )
  })
})

describe('warnings', () => {
  const sentences = (one: Partial<RunResult>, other: Partial<RunResult>): string[] =>
    compare({ seed: 1, fields: one }, { seed: 2, fields: other }).warnings.map(
      ({ severity, sentence }) => `${severity}: ${sentence}`,
    )

  test('are absent for two good runs under equal conditions', () => {
    expect(sentences({}, {})).toEqual([])
  })

  test.each<[string, Partial<RunResult>, string]>([
    [
      'an INVALID run',
      { invalidReasons: [{ code: 'cpu_limit', sentence: 'the generator had no CPU left.' }] },
      'invalid: b is INVALID: the generator had no CPU left.',
    ],
    [
      'a lost worker',
      { isComplete: false, missing: ['worker 2 was lost.'] },
      'invalid: b is not complete: worker 2 was lost.',
    ],
    [
      'a lost target',
      { ended: 'target_unreachable' },
      'invalid: b lost its target before its end.',
    ],
    ['a stopped run', { ended: 'stopped' }, 'caution: b was stopped before its end.'],
    [
      'another scenario',
      { scenario: 'hoarder' },
      'invalid: a and b ran different scenarios, chain and hoarder.',
    ],
    [
      'other options',
      { options: { rate: 300, duration: '60s', connections: 64, seed: 2, warmup: '2s' } },
      'caution: a and b differ in --connections: 32 and 64.',
    ],
    [
      'a short run',
      { elapsedMs: 4_000 },
      'caution: b lasted 4 s: that is mostly its beginning, and few values; take at least 20 s.',
    ],
  ])('name %s', (_, fields, sentence) => {
    expect(sentences({}, fields)).toContain(sentence)
  })

  test('name other machines and another mixture of answers', () => {
    const base = syntheticRun({ ...SMALL, seed: 2 })
    const [environment] = base.environments
    const [step] = base.steps
    if (environment === undefined || step === undefined) throw new Error('an empty run')
    const found = sentences(
      {},
      {
        environments: [{ ...environment, cpuCount: 8 }],
        steps: [
          { ...step, outcomes: [{ status: 409, reason: 'item_sold', count: step.answerCount }] },
        ],
      },
    )
    expect(found).toContain(
      'caution: a and b differ in the processor: 2 x a processor and 8 x a processor.',
    )
    expect(found.some((sentence) => sentence.includes('status 409: 0 % and 100 %'))).toBe(true)
  })
})

describe('too little data', () => {
  test('is undecided, never a finding', () => {
    const comparison = compare({ seed: 1, seconds: 5 }, { seed: 2, seconds: 5, medianMs: 40 })
    expect(metric(comparison, 'purchase.p50').verdict).toBe('undecided')
    expect(metric(comparison, 'purchase.p50').sentence).toContain('run for longer')
    expect(findings(comparison)).toEqual([])
  })

  test('of a step without answers is said', () => {
    const comparison = compare({ seed: 1, answersPerSecond: 0 }, { seed: 2 })
    expect(metric(comparison, 'purchase.p99')).toMatchObject({
      verdict: 'undecided',
      sentence: 'Purchase p99 was not measured on A.',
    })
  })

  test.each([
    { alpha: 0 },
    { alpha: Number.NaN },
    { resamples: 10 },
    { resamples: 150.5 },
    { seed: -1 },
  ])('is no excuse for options out of bounds: %o', (options) => {
    expect(() => compare({ seed: 1 }, { seed: 2 }, options)).toThrow(
      expect.objectContaining({ code: 'LOADGEN_OPTION_INVALID' }),
    )
  })
})
