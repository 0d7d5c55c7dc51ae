import { describe, expect, test } from 'vitest'
import type { GeneratorThread, LatencySummary } from '../run-result.ts'
import { invalidReasons } from './saturation.ts'

const QUIET: LatencySummary = { p50: 0, p90: 0, p99: 1, p999: 1, max: 1_000, mean: 0 }
const GOOD: GeneratorThread = {
  machine: 'local',
  threadIndex: 0,
  elapsedMs: 10_000,
  cpuMs: 8_000,
  loopUtilization: 0.8,
  starvedShare: 0.1,
  loopLagMs: QUIET,
  arrivalLagMs: QUIET,
  busySecondCount: 4,
  secondCount: 10,
}
const ARRIVALS = { dueCount: 100, droppedCount: 0, leftOverCount: 0 }

function codes(thread: Partial<GeneratorThread>, arrivals = ARRIVALS, requests = 1): string[] {
  return invalidReasons([{ ...GOOD, ...thread }], arrivals, requests).map(({ code }) => code)
}

describe('a run is', () => {
  test('valid when its generator had time to spare', () => {
    expect(codes({})).toEqual([])
  })

  test.each<[string, Partial<GeneratorThread>]>([
    ['cpu_limit', { busySecondCount: 5 }],
    ['cpu_starved', { starvedShare: 0.25 }],
    ['loop_lag', { loopLagMs: { ...QUIET, p99: 50 } }],
    ['arrival_lag', { arrivalLagMs: { ...QUIET, p99: 50 } }],
  ])('INVALID by %s', (code, thread) => {
    expect(codes(thread)).toEqual([code])
  })

  test('not judged by CPU or event loop when it was shorter than three seconds', () => {
    expect(codes({ secondCount: 2, busySecondCount: 2, starvedShare: 1, loopLagMs: { ...QUIET, p99: 99 } })).toEqual([])
  })

  test('not judged by what the system does not tell', () => {
    expect(codes({ starvedShare: undefined, cpuMs: undefined })).toEqual([])
  })

  test('INVALID when arrivals were dropped, with how many', () => {
    const reasons = invalidReasons([GOOD], { dueCount: 100, droppedCount: 8, leftOverCount: 3 }, 95)
    expect(reasons[0]?.sentence).toContain('5 of 100 arrivals (5.0 %)')
  })

  test('INVALID when nothing was measured', () => {
    expect(codes({}, ARRIVALS, 0)).toEqual(['nothing_measured'])
  })

  test('INVALID for each thread that was saturated, by its name', () => {
    const reasons = invalidReasons(
      [GOOD, { ...GOOD, machine: '10.0.0.1:7', threadIndex: 1, busySecondCount: 10 }],
      ARRIVALS,
      1,
    )
    expect(reasons.map(({ sentence }) => sentence)).toEqual([
      expect.stringContaining('thread 1 of 10.0.0.1:7 used a whole core in 10 of 10 seconds'),
    ])
  })
})
