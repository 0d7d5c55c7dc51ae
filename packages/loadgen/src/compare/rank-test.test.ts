import { describe, expect, test } from 'vitest'
import { rankSumDistribution, untiedDoubledRanks } from './exact-rank-distribution.ts'
import { rankTest, smallestPValue } from './rank-test.ts'

// Permeability constants of the chorioamnion at term and at 12 to 26 weeks: Hollander and Wolfe,
// "Nonparametric Statistical Methods" (1973), p. 69.
const TERM = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
const EARLY = [1.15, 0.88, 0.9, 0.74, 1.21]

describe('the rank test', () => {
  test('agrees with the published example without ties', () => {
    const found = rankTest(EARLY, TERM)
    expect(found).toMatchObject({ u: 35, method: 'exact' })
    // Published one-sided: 0.1272.
    expect(found.pValue).toBeCloseTo(2 * 0.1272061272, 9)
  })

  // Two-sided critical values at 0.05 of the table that every textbook has (Mann and Whitney, 1947;
  // Milton, 1964): the largest U that is significant.
  test.each([
    [4, 4, 0],
    [5, 5, 2],
    [6, 9, 10],
    [8, 8, 13],
    [10, 10, 23],
    [12, 15, 49],
    [20, 20, 127],
  ])('has the critical value of the tables for %d and %d values', (one, other, critical) => {
    const sums = rankSumDistribution(untiedDoubledRanks(one + other), other)
    const least = other * (other + 1)
    const atMost = (u: number): number =>
      sums.subarray(0, least + 2 * u + 1).reduce((sum, share) => sum + share, 0)
    expect(atMost(critical)).toBeLessThanOrEqual(0.025)
    expect(atMost(critical + 1)).toBeGreaterThan(0.025)
  })

  test('counts every division of tied values', () => {
    // By enumeration of all 1716 divisions with an independent program.
    const found = rankTest([1, 2, 2, 3, 5, 5, 7], [2, 4, 5, 6, 8, 9])
    expect(found.u).toBe(31)
    expect(found.pValue).toBeCloseTo(0.18298368298368298, 12)
  })

  test('agrees with an independent normal approximation with ties', () => {
    // scipy 1.17 mannwhitneyu, method asymptotic, continuity correction.
    const found = rankTest(FIRST, SECOND)
    expect(found).toMatchObject({ u: 1877.5, method: 'normal' })
    expect(found.pValue).toBeCloseTo(0.0006332213899417369, 12)
  })

  test('does not depend on the order of the sides or on a monotone change of the values', () => {
    const { pValue } = rankTest(FIRST, SECOND)
    expect(rankTest(SECOND, FIRST).pValue).toBeCloseTo(pValue, 12)
    const cubed = [FIRST, SECOND].map((values) => values.map((value) => value ** 3))
    expect(rankTest(cubed[0] ?? [], cubed[1] ?? []).pValue).toBe(pValue)
  })

  test('finds nothing in equal values, in one value and in none', () => {
    expect(rankTest([3, 3, 3], [3, 3]).pValue).toBe(1)
    expect(rankTest(Array(40).fill(1), Array(40).fill(1)).pValue).toBe(1)
    expect(rankTest([1], [2]).pValue).toBe(1)
    expect(rankTest([], [1, 2]).pValue).toBe(1)
  })

  test('says how small a p-value can get', () => {
    expect(smallestPValue(4, 4)).toBeCloseTo(2 / 70, 12)
    expect(rankTest([1, 2, 3, 4], [5, 6, 7, 8]).pValue).toBeCloseTo(2 / 70, 12)
    expect(smallestPValue(3, 3)).toBeCloseTo(0.1, 12)
  })
})

const FIRST = [
  16, 1, 3, 4, 3, 16, 17, 11, 0, 1, 6, 8, 12, 9, 5, 3, 13, 14, 0, 2, 9, 7, 17, 10, 8, 8, 13, 11, 3,
  14, 15, 19, 15, 5, 6, 12, 13, 13, 17, 5, 18, 0, 1, 19, 18, 5, 2, 6, 0, 17, 13, 11, 4, 9, 3, 15,
  9, 0, 5, 14,
]
const SECOND = [
  13, 10, 8, 4, 15, 16, 13, 21, 21, 7, 15, 15, 7, 8, 12, 17, 8, 17, 16, 7, 10, 19, 19, 16, 3, 16,
  7, 19, 21, 11, 22, 18, 9, 20, 10, 5, 14, 19, 16, 10, 21, 12, 10, 5, 7,
]
