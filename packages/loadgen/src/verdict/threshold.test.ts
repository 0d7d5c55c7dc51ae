import { describe, expect, test } from 'vitest'
import { LatencyHistogram } from '../latency-histogram.ts'
import type { LatencyResult, RunResult, StepResult } from '../run-result.ts'
import { judgeThreshold, parseThreshold } from './threshold.ts'

function latency(...waitsMs: number[]): LatencyResult {
  const histogram = new LatencyHistogram()
  for (const waitMs of waitsMs) histogram.record(waitMs)
  return histogram.result()
}

function step(name: string, errorCount: number, due: LatencyResult): StepResult {
  return {
    step: name,
    answerCount: due.count,
    noAnswerCount: 0,
    errorCount,
    cutCount: 0,
    unsentCount: 0,
    bodyBytes: 0,
    dueLatency: due,
    sendLatency: latency(1, 1, 1, 1),
    sendLag: latency(2, 2, 2, 2),
    outcomes: [],
  }
}

/** Only what thresholds look at. */
const RUN = {
  elapsedMs: 2_000,
  counters: { purchased: 7 },
  steps: [
    step('checkout', 0, latency(10, 20, 30, 40)),
    step('purchase', 2, latency(100, 200, 300, 400)),
  ],
} as unknown as RunResult

describe('a threshold', () => {
  test.each([
    ['purchase.p50<200.1ms', true, 200],
    ['purchase.p50 < 199 ms', false, 200],
    ['checkout.max<=40ms', true, 40],
    ['checkout.max<40ms', false, 40],
    ['p99.9<1s', true, 400],
    ['p25<=20.1ms', true, 20],
    ['checkout.mean>20ms', true, 25],
    ['send.p99<2ms', true, 1],
    ['purchase.lag.p99<2ms', false, 2],
    ['errors<3', true, 2],
    ['errors<25%', false, 25],
    ['purchase.errors<=50%', true, 50],
    ['checkout.errors<1', true, 0],
    ['rate>=4/s', true, 4],
    ['purchase.rate>2', false, 2],
    ['counter.purchased>=7', true, 7],
    ['counter.purchased>7', false, 7],
  ])('%s is judged %s', (text, isMet, measured) => {
    const judged = judgeThreshold(parseThreshold(text), RUN)
    expect(judged.isMet).toBe(isMet)
    // Three significant digits.
    expect(Math.abs((judged.measured ?? Number.NaN) - measured)).toBeLessThan(measured * 0.002 + 1e-9)
  })

  test('says what it met', () => {
    const { sentence } = judgeThreshold(parseThreshold('errors<10%'), RUN)
    expect(sentence).toBe('errors is 25 %, not < 10 %')
  })

  test.each(['absent.p99<1s', 'counter.absent<1', 'absent.errors<1', 'absent.rate>1'])(
    '%s is broken, since nothing was measured',
    (text) => {
      const judged = judgeThreshold(parseThreshold(text), RUN)
      expect(judged).toMatchObject({ isMet: false, measured: undefined })
      expect(judged.sentence).toContain('was not measured')
    },
  )

  test.each([
    'p99',
    'p99=5ms',
    '<5ms',
    'p99<5%',
    'errors<5ms',
    'rate>5%',
    'latency<5ms',
    'send.errors<1',
    'p99<-5',
    'counter.<5',
    '',
  ])('%s is none', (text) => {
    expect(() => parseThreshold(text)).toThrow(
      expect.objectContaining({ code: 'LOADGEN_OPTION_INVALID' }),
    )
  })
})
