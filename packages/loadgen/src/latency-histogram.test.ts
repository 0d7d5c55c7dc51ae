import { build, decodeFromCompressedBase64, type Histogram } from 'hdr-histogram-js'
import { describe, expect, test } from 'vitest'
import { LATENCY_MAX_US, LatencyHistogram } from './latency-histogram.ts'
import { SeededRandom } from './seeded-random.ts'

function reference(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_MAX_US,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
  })
}

/** Waits over seven orders of magnitude, in whole microseconds. */
function waits(count: number, seed: number): number[] {
  const random = new SeededRandom(seed)
  return Array.from({ length: count }, () =>
    Math.floor(Math.exp((random.next() / 2 ** 32) * Math.log(LATENCY_MAX_US))),
  )
}

describe('a latency histogram', () => {
  test.each([1, 2, 3])('agrees with hdr-histogram-js, seed %d', (seed) => {
    const mine = new LatencyHistogram()
    const theirs = reference()
    for (const waitUs of waits(20_000, seed)) {
      mine.record(waitUs / 1_000)
      theirs.recordValue(waitUs)
    }
    for (const share of [0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1]) {
      const expected = Math.min(theirs.getValueAtPercentile(share * 100), theirs.maxValue)
      const [found = 0] = mine.quantiles([share])
      expect(found, `share ${share}`).toBeCloseTo(expected / 1_000, 3)
    }
    expect(mine.summary().mean * 1_000).toBeCloseTo(theirs.mean, -theirs.mean / 1_000)
  })

  test('survives its encoding: every implementation reads the same cells', () => {
    const mine = new LatencyHistogram()
    const theirs = reference()
    for (const waitUs of waits(5_000, 4)) {
      mine.record(waitUs / 1_000)
      theirs.recordValue(waitUs)
    }
    const { count, histogram } = mine.result()
    const decoded = decodeFromCompressedBase64(histogram)
    expect(decoded.totalCount).toBe(count)
    for (const percentile of [1, 50, 90, 99, 99.9, 100]) {
      expect(decoded.getValueAtPercentile(percentile)).toBe(
        theirs.getValueAtPercentile(percentile),
      )
    }
  })

  test('is the sum of its parts, wherever they were recorded', () => {
    const whole = new LatencyHistogram()
    const sum = new LatencyHistogram()
    for (const seed of [5, 6, 7]) {
      const part = new LatencyHistogram()
      for (const waitUs of waits(1_000, seed)) {
        part.record(waitUs / 1_000)
        whole.record(waitUs / 1_000)
      }
      sum.addSparse(structuredClone(part.takeSparse()))
      expect(part.count).toBe(0)
      expect(part.summary().max).toBe(0)
    }
    expect(sum.result()).toEqual(whole.result())
  })

  test('takes what is negative or longer than an hour for its ends', () => {
    const histogram = new LatencyHistogram()
    histogram.record(-5)
    histogram.record(10 ** 9)
    expect(histogram.summary()).toMatchObject({ p50: 0.001, max: 3_600_000 })
  })

  test('is zero when nothing was recorded', () => {
    expect(new LatencyHistogram().summary()).toEqual({
      p50: 0,
      p90: 0,
      p99: 0,
      p999: 0,
      max: 0,
      mean: 0,
    })
  })
})
