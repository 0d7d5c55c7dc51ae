import { expect, test } from 'vitest'
import type { GeneratorThread, LatencySummary } from '../run-result.ts'
import { laggedPercentiles } from './lagged-percentiles.ts'

function summary(given: Partial<LatencySummary>): LatencySummary {
  return { p50: 0, p90: 0, p99: 0, p999: 0, max: 0, mean: 0, ...given }
}

const THREAD = { machine: 'local', threadIndex: 0, secondCount: 10, arrivalLagMs: summary({}) } as GeneratorThread

function found(
  due: Partial<LatencySummary>,
  loopLag: Partial<LatencySummary>,
  arrivalLag: Partial<LatencySummary> = {},
  secondCount = 10,
): string[] {
  const threads = [
    { ...THREAD, secondCount, loopLagMs: summary({}) },
    { ...THREAD, secondCount, loopLagMs: summary(loopLag), arrivalLagMs: summary(arrivalLag) },
  ]
  const dueLatency = { count: 1_000, histogram: '', summaryMs: summary(due) }
  return laggedPercentiles(threads, [{ step: 'request', dueLatency }]).map(({ sentence }) => sentence)
}

test.each<[string, ...Parameters<typeof found>]>([
  // 10,000 connections to a service of one second: the second second is the generator's.
  ['a tail that a burst of connections made', { p50: 1_005, p99: 1_945 }, { p99: 900 }],
  ['a cold beginning', { p50: 2, p99: 70 }, { p99: 60 }],
  ['arrivals that were taken up late', { p50: 2, p99: 70 }, {}, { p99: 60 }],
])('%s is INVALID for the p99', (_, ...given) => {
  const sentences = found(...given)
  expect(sentences).toHaveLength(1)
  expect(sentences[0]).toContain('request p99 of')
})

test('a median that the generator made is INVALID for the p50', () => {
  expect(found({ p50: 60, p90: 61, p99: 62 }, { p50: 40 })[0]).toContain('request p50 of 60.0 ms')
})

test.each<[string, ...Parameters<typeof found>]>([
  ['a tail of the target', { p50: 2, p99: 1_000 }, { p99: 60 }],
  ['a lag that is hardly one', { p50: 1, p99: 20 }, { p99: 19 }],
  ['a lag that is small beside a slow service', { p50: 1_000, p99: 1_020 }, { p99: 25 }],
  ['a lag above the percentile that is judged', { p50: 2, p99: 8 }, { p999: 500 }],
  ['a short run', { p50: 2, p99: 70 }, { p99: 60 }, {}, 2],
  ['a step without requests', {}, { p99: 60 }],
])('%s is not', (_, ...given) => {
  expect(found(...given)).toEqual([])
})

test('the p99.9 is judged in runs that are long enough for it', () => {
  const given = [{ p50: 2, p99: 8, p999: 500 }, { p999: 450 }, {}] as const
  expect(found(...given, 29)).toEqual([])
  expect(found(...given, 30)[0]).toContain('request p99.9 of 500.0 ms')
})
