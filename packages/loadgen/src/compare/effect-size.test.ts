import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../seeded-random.ts'
import { blockBootstrap, middleOf } from './block-bootstrap.ts'
import { blockLength } from './block-length.ts'
import { adjustPValues } from './holm.ts'
import { locationShift } from './location-shift.ts'
import { normalQuantile, normalUpperTail } from './normal-distribution.ts'
import type { SeriesRows } from './series-rows.ts'

describe('the normal distribution', () => {
  test.each([
    [0.5, 0.308537538725987],
    [1, 0.158655253931457],
    [1.959963984540054, 0.025],
    [2.4, 8.19753592459613e-3],
    [2.6, 4.66118802371875e-3],
    [5, 2.866515718791933e-7],
    [8, 6.220960574271785e-16],
    [20, 2.753624118606234e-89],
  ])('has above %d the area of the tables', (z, area) => {
    expect(normalUpperTail(z) / area).toBeCloseTo(1, 10)
    expect(normalUpperTail(-z)).toBeCloseTo(1 - area, 12)
  })

  test('has the quantiles of the tables', () => {
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 9)
    expect(normalQuantile(0.1)).toBeCloseTo(-1.2815515655446004, 9)
    expect(normalQuantile(0.5)).toBeCloseTo(0, 9)
  })
})

describe('the location shift', () => {
  test('agrees with the published example', () => {
    // Hollander and Wolfe (1973), p. 69; R prints these for it with wilcox.test(conf.int = TRUE).
    const early = [1.15, 0.88, 0.9, 0.74, 1.21]
    const term = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    const shift = locationShift(early, term)
    expect(shift.estimate).toBeCloseTo(0.305, 10)
    expect(shift.low).toBeCloseTo(-0.15, 10)
    expect(shift.high).toBeCloseTo(0.76, 10)
    expect(shift.confidence).toBeGreaterThanOrEqual(0.95)
  })

  test('moves with the second sample, in exact and normal sizes', () => {
    for (const count of [9, 60]) {
      const random = new SeededRandom(count)
      const [first, second] = [sample(random, count), sample(random, count)]
      const shift = locationShift(first, second)
      const moved = locationShift(
        first,
        second.map((value) => value + 5),
      )
      expect(moved.estimate).toBeCloseTo(shift.estimate + 5, 9)
      expect(moved.low).toBeCloseTo(shift.low + 5, 9)
      expect(moved.high).toBeCloseTo(shift.high + 5, 9)
      expect(shift.confidence).toBeGreaterThan(0.94)
    }
  })

  test('says how little three values against three can promise', () => {
    const shift = locationShift([1, 2, 3], [4, 5, 6])
    expect(shift).toMatchObject({ estimate: 3, low: 1, high: 5 })
    expect(shift.confidence).toBeCloseTo(0.9, 10)
  })

  test('holds the true shift as often as it says', () => {
    for (const count of [8, 40]) {
      const random = new SeededRandom(7)
      let held = 0
      for (let i = 0; i < 400; i++) {
        const shift = locationShift(sample(random, count), sample(random, count))
        if (shift.low <= 0 && shift.high >= 0) held++
      }
      // 95 % of 400 is 380 with a deviation of 4.4.
      expect(held, `of 400 with ${count} values`).toBeGreaterThan(362)
      expect(held).toBeLessThan(400)
    }
  })
})

describe('the adjustment for many tests', () => {
  test('agrees with a worked example', () => {
    const adjusted = adjustPValues([0.01, 0.04, 0.03, 0.005])
    for (const [i, expected] of [0.03, 0.06, 0.06, 0.02].entries()) {
      expect(adjusted[i]).toBeCloseTo(expected, 12)
    }
    expect(adjustPValues([0.6, 0.7])).toEqual([1, 1])
    expect(adjustPValues([])).toEqual([])
  })
})

describe('the length of a block', () => {
  test('is one for independent and for constant values', () => {
    expect(blockLength(Array(50).fill(3))).toBe(1)
    const lengths = Array.from({ length: 40 }, (_, i) => blockLength(wandering(i + 1, 80, 0)))
    expect(lengths.filter((length) => length === 1).length).toBeGreaterThan(28)
  })

  test('grows with the dependence of neighbours', () => {
    const median = (persistence: number): number => {
      const lengths = Array.from({ length: 31 }, (_, i) =>
        blockLength(wandering(i + 1, 300, persistence)),
      ).toSorted((one, other) => one - other)
      return lengths[15] ?? 0
    }
    // The autocorrelation time of an autoregression is (1 + r) / (1 - r): 3 and 9.
    expect(median(0.5)).toBeGreaterThanOrEqual(4)
    expect(median(0.5)).toBeLessThanOrEqual(8)
    expect(median(0.8)).toBeGreaterThanOrEqual(12)
  })
})

describe('the block bootstrap', () => {
  test('finds the spread of a mean of independent values', () => {
    const values = sample(new SeededRandom(3), 200)
    const drawn = blockBootstrap(meanRows(values), 1, 2_000, new SeededRandom(1))
    const { low, high } = middleOf(drawn, 0.95)
    // Uniform values: deviation 1 / sqrt(12), of the mean that over sqrt(200), 1.96 of it each way.
    expect(high - low).toBeGreaterThan(0.07)
    expect(high - low).toBeLessThan(0.09)
  })

  test('finds more spread in dependent values with blocks than without', () => {
    const rows = meanRows(wandering(5, 400, 0.8))
    const width = (blockRows: number): number => {
      const { low, high } = middleOf(
        blockBootstrap(rows, blockRows, 1_000, new SeededRandom(1)),
        0.95,
      )
      return high - low
    }
    expect(width(20) / width(1)).toBeGreaterThan(1.8)
  })

  test('gives the same numbers for the same seed', () => {
    const rows = meanRows([1, 5, 2, 8])
    const draw = (seed: number): Float64Array =>
      blockBootstrap(rows, 2, 50, new SeededRandom(seed))
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
  })
})

function sample(random: SeededRandom, count: number): number[] {
  return Array.from({ length: count }, () => random.next() / 0x1_0000_0000)
}

function wandering(seed: number, count: number, persistence: number): number[] {
  const random = new SeededRandom(seed)
  let value = 0
  return Array.from({ length: count }, () => {
    value = persistence * value + random.next() / 0x1_0000_0000 - 0.5
    return value
  })
}

function meanRows(values: readonly number[]): SeriesRows {
  return {
    count: values.length,
    width: 2,
    cells: Float64Array.from(values.flatMap((value) => [value, 1])),
    rowMs: 1_000,
    valueOf: (sums, offset) => (sums[offset] ?? 0) / (sums[offset + 1] ?? 1),
  }
}
