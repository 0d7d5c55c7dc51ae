import { describe, expect, test } from 'vitest'
import { syntheticRun } from '../../../test/synthetic-run.ts'
import type { Verification } from '../../invariants/verify-ledger.ts'
import type { RunResult } from '../../run-result.ts'
import { escapeMarkdown } from '../escape-markdown.ts'
import { markdownReport } from '../markdown-report.ts'
import { runReport } from '../run-report.ts'
import { reportText } from '../text-report.ts'
import { htmlReport } from './html-report.ts'
import { linearScale, logScale, percentileScale } from './scale.ts'

const HOSTILE = `"><script>alert(1)</script><img src=x onerror='alert(2)'>\u0000\u2028&amp;\uD800`

const base = syntheticRun({ seed: 1, seconds: 5, answersPerSecond: 40 })

const violated: Verification = {
  ok: false,
  violationCount: 12,
  countByKind: { purchase_row_missing: 12 },
  violations: [
    { kind: 'purchase_row_missing', sentence: `item 42 ${HOSTILE}`, calls: [], rows: [] },
  ],
  checked: {
    acknowledgedCheckouts: 10,
    acknowledgedPurchases: 10,
    checkoutRows: 10,
    purchaseRows: 0,
  } as Verification['checked'],
}

function page(fields: Partial<RunResult>, exitStatus = 0): string {
  return htmlReport(
    runReport({ run: { ...base, ...fields }, verification: undefined, exitStatus }),
  )
}

describe('the HTML report', () => {
  test('says the verdict before anything else, in words', () => {
    for (const [exitStatus, word, title] of [
      [0, 'measured', 'Measured'],
      [1, 'fault', 'Not completed'],
      [96, 'invalid', 'INVALID'],
      [97, 'violated', 'VIOLATED'],
      [98, 'unreachable', 'Target unreachable'],
      [99, 'threshold', 'Threshold not met'],
    ] as const) {
      const text = page({}, exitStatus)
      expect(text).toContain(`data-verdict="${word}"`)
      expect(text).toContain(title)
      expect(text.indexOf('data-verdict')).toBeLessThan(text.indexOf('<h2>'))
    }
  })

  test('is passed only when something was checked', () => {
    const thresholds = [{ text: 'p99<1s', isMet: true, measured: 4, sentence: 'p99 is 4 ms' }]
    expect(page({ thresholds })).toContain('data-verdict="passed"')
    expect(page({})).toContain('data-verdict="measured"')
  })

  test('is INVALID even where the user let that pass', () => {
    const invalidReasons = [{ code: 'cpu_limit' as const, sentence: 'no CPU was left' }]
    const thresholds = [{ text: 'p99<1s', isMet: true, measured: 4, sentence: 'p99 is 4 ms' }]
    expect(page({ invalidReasons, thresholds })).toContain('data-verdict="invalid"')
  })

  test('joins the rest of a second to the one before', () => {
    const [point] = base.series.points
    if (point === undefined) throw new Error('an empty run')
    const rest = { ...point, atMs: 5_000, lengthMs: 20, answerCount: 1 }
    const text = page({ series: { intervalMs: 1_000, points: [...base.series.points, rest] } })
    expect(text).toContain('<th scope="row">4 s</th>')
    expect(text).not.toContain('<th scope="row">5 s</th>')
  })

  test('has everything: thresholds, plots, answers, violations, generator, options, machines', () => {
    const text = htmlReport(runReport({ run: base, verification: violated, exitStatus: 97 }))
    for (const words of [
      'Thresholds',
      'Was every answer true?',
      'checkout: latency by percentile',
      'Throughput',
      'Answers by status and reason',
      'Could the generator measure as it should?',
      'Options',
      'Environment of the generator',
      'from due time, ms',
      'from sending, ms',
      'purchase_row_missing',
      'and 11 more of this kind',
      '--connections',
      'bench-1',
    ]) {
      expect(text).toContain(words)
    }
    // Two steps: a plot by percentile and one over time for each, throughput, CPU and send lag.
    expect(text.match(/<svg class="plot"/g)).toHaveLength(7)
  })

  test('asks nothing of any network and forbids itself to', () => {
    const text = page({ url: 'http://target.example' })
    expect(text).toContain('default-src &#39;none&#39;')
    expect(text).not.toMatch(/(?:src|href|action|poster|data)\s*=\s*["']?\s*(?:https?:|\/\/)/i)
    expect(text).not.toMatch(/@import|url\(/)
  })

  test('lets nothing that came from outside become markup', () => {
    const [step] = base.steps
    const [environment] = base.environments
    if (step === undefined || environment === undefined) throw new Error('an empty run')
    const hostile: RunResult = {
      ...base,
      scenario: HOSTILE,
      url: HOSTILE,
      generatorVersion: HOSTILE,
      missing: [HOSTILE],
      steps: base.steps.map((one) => ({
        ...one,
        step: HOSTILE,
        outcomes: [{ status: 500, reason: HOSTILE, count: 3 }],
      })),
      counters: { [HOSTILE]: 1 },
      invalidReasons: [{ code: 'cpu_limit', sentence: HOSTILE }],
      thresholds: [{ text: HOSTILE, isMet: false, measured: 1, sentence: HOSTILE }],
      options: { [HOSTILE]: [HOSTILE] },
      environments: [{ ...environment, machine: HOSTILE, cpuModel: HOSTILE, node: HOSTILE }],
      arrivals: { ...base.arrivals, kind: HOSTILE },
    }
    const report = runReport({ run: hostile, verification: violated, exitStatus: 97 })
    const text = htmlReport(report)
    expect(text.match(/<script/g)).toHaveLength(1)
    expect(text).not.toMatch(/<img|onerror='/)
    expect(text.includes('\0')).toBe(false)
    expect(text.isWellFormed()).toBe(true)
    expect(markdownReport(report)).not.toMatch(/<script|<img/)
    expect(() => reportText(report)).not.toThrow()
  })

  test.each<[string, Partial<RunResult>]>([
    ['nothing measured', syntheticRun({ seed: 1, seconds: 0 })],
    ['no answer at all', syntheticRun({ seed: 1, seconds: 2, answersPerSecond: 0 })],
    ['a single second', syntheticRun({ seed: 1, seconds: 1, answersPerSecond: 1 })],
    ['only errors', syntheticRun({ seed: 1, seconds: 2, errorShare: 1 })],
    ['a closed loop', { arrivals: { ...base.arrivals, kind: 'closed' } }],
    ['no steps', { steps: [], series: { intervalMs: 1_000, points: [] } }],
  ])('stands for a run with %s', (_, fields) => {
    const text = page(fields)
    expect(text).toContain('</html>')
    expect(text.slice(0, text.indexOf('<script>'))).not.toMatch(/NaN|Infinity|undefined/)
    const report = runReport({
      run: { ...base, ...fields },
      verification: undefined,
      exitStatus: 0,
    })
    expect(markdownReport(report)).not.toMatch(/NaN|Infinity|undefined/)
    expect(reportText(report)).not.toMatch(/NaN|Infinity/)
  })

  test('interrupts a line where nothing was answered', () => {
    const points = base.series.points.map((point, i) =>
      i === 2
        ? { ...point, answerCount: 0, steps: point.steps.map((s) => ({ ...s, answerCount: 0 })) }
        : point,
    )
    const text = page({ series: { ...base.series, points } })
    const whole = page({})
    const moves = (html: string): number => html.match(/d="M[^"]*M/g)?.length ?? 0
    expect(moves(whole)).toBe(0)
    expect(moves(text)).toBeGreaterThan(0)
  })

  test('stays small for the longest run', () => {
    const [point] = base.series.points
    if (point === undefined) throw new Error('an empty run')
    const points = Array.from({ length: 3_600 }, (_, i) => ({ ...point, atMs: i * 1_000 }))
    const text = page({ series: { intervalMs: 1_000, points } })
    expect(text.length).toBeLessThan(1_000_000)
    expect(text).toContain('Each point stands for 6 s')
  })
})

describe('the scales', () => {
  const span = { from: 0, to: 100 }

  test('hold their values and have ticks with round numbers', () => {
    const linear = linearScale(873, span, String)
    expect(linear.ticks.map(({ label }) => label)).toEqual([
      '0',
      '200',
      '400',
      '600',
      '800',
      '1000',
    ])
    expect(linear.at(500)).toBe(50)
    const log = logScale(0.7, 43, span, String)
    expect(log.ticks.map(({ label }) => label)).toEqual(['0.5', '1', '2', '5', '10', '20', '50'])
    expect(log.at(50)).toBeCloseTo(100, 9)
    expect(log.at(0.5)).toBeCloseTo(0, 9)
    const tail = percentileScale(0.9999, span)
    expect(tail.at(0.99)).toBeCloseTo(50, 9)
    expect(tail.ticks.map(({ label }) => label)).toEqual([
      '0 %',
      '50 %',
      '90 %',
      '99 %',
      '99.9 %',
      '99.99 %',
    ])
  })

  test.each([1e-3, 0.02, 1, 7.3, 99.999, 100, 12_345, 3.6e6])('hold %d', (max) => {
    for (const scale of [linearScale(max, span, String), logScale(max / 50, max, span, String)]) {
      expect(scale.at(max)).toBeLessThanOrEqual(100 + 1e-9)
      expect(scale.at(max / 50)).toBeGreaterThanOrEqual(0)
      expect(scale.ticks.length).toBeGreaterThanOrEqual(2)
      expect(scale.ticks.length).toBeLessThan(14)
    }
  })
})

describe('text in Markdown', () => {
  test('is shown and does nothing', () => {
    expect(escapeMarkdown('a | b\n# c [d](e) *f* `g` <h> @i #7 &amp;')).toBe(
      'a \\| b &#35; c \\[d\\](e) \\*f\\* \\`g\\` &lt;h&gt; &#64;i &#35;7 &amp;amp;',
    )
  })
})
