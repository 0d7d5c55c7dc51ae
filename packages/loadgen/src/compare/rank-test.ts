import { EXACT_VALUES_MAX, rankSumDistribution } from './exact-rank-distribution.ts'
import { normalUpperTail } from './normal-distribution.ts'
import { rankSums } from './rank-sums.ts'

/** The outcome of a rank test. */
export interface RankTest {
  /**
   * Mann and Whitney's statistic of the second sample: the pairs in which its value is the larger
   * one, ties counting a half.
   */
  readonly u: number
  /** Two-sided. 1 when either sample is empty or all values are equal. */
  readonly pValue: number
  readonly method: 'exact' | 'normal'
}

/**
 * Mann and Whitney's test of whether values of two samples come from one distribution.
 *
 * With at most 50 values together the exact distribution of the rank sum given the ties (every
 * division of the values into two samples is equally likely), otherwise the normal approximation
 * with the variance corrected for ties and a continuity correction. (Mann and Whitney, "On a test
 * of whether one of two random variables is stochastically larger than the other", 1947; ties:
 * Lehmann, "Nonparametrics", 1975.)
 *
 * The values of each sample must be independent of one another: see `blockLength` for series.
 */
export function rankTest(first: readonly number[], second: readonly number[]): RankTest {
  const pairs = first.length * second.length
  if (pairs === 0) return { u: 0, pValue: 1, method: 'exact' }
  const { doubledRanks, secondDoubledRankSum, tieTerm } = rankSums(first, second)
  const count = doubledRanks.length
  const u = secondDoubledRankSum / 2 - (second.length * (second.length + 1)) / 2
  if (count <= EXACT_VALUES_MAX) {
    const probabilities = rankSumDistribution(doubledRanks, second.length)
    const atMost = sumOf(probabilities.subarray(0, secondDoubledRankSum + 1))
    const atLeast = sumOf(probabilities.subarray(secondDoubledRankSum))
    return { u, pValue: Math.min(1, 2 * Math.min(atMost, atLeast)), method: 'exact' }
  }
  const variance = (pairs / 12) * (count + 1 - tieTerm / (count * (count - 1)))
  if (variance <= 0) return { u, pValue: 1, method: 'normal' }
  const distance = Math.max(0, Math.abs(u - pairs / 2) - 0.5)
  const pValue = Math.min(1, 2 * normalUpperTail(distance / Math.sqrt(variance)))
  return { u, pValue, method: 'normal' }
}

/** Smallest two-sided p that the exact test can give for samples of these sizes without ties. */
export function smallestPValue(firstCount: number, secondCount: number): number {
  let choices = 1
  for (let i = 1; i <= secondCount; i++) choices *= (firstCount + i) / i
  return Math.min(1, 2 / choices)
}

/** Runs that each side needs, at least, before a test of so many metrics together can find anything. */
export function runsNeeded(alpha: number, together: number): number {
  let count = 2
  while (smallestPValue(count, count) * together >= alpha) count++
  return count
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0)
}
