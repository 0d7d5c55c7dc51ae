import {
  EXACT_VALUES_MAX,
  rankSumDistribution,
  untiedDoubledRanks,
} from './exact-rank-distribution.ts'
import { normalQuantile, normalUpperTail } from './normal-distribution.ts'

/** An estimate between its bounds. */
export interface Interval {
  readonly estimate: number
  readonly low: number
  readonly high: number
  /**
   * Probability with which the method's bounds hold the true value: 0.95, or what few values
   * allow.
   */
  readonly confidence: number
}

/**
 * Hodges and Lehmann's estimate of how far the second sample lies above the first: the median of
 * all pairwise differences, between the differences that the rank test cannot reject. (Hodges and
 * Lehmann, "Estimates of location based on rank tests", 1963.)
 *
 * Given logarithms, the exponential of the result is the typical ratio of the two.
 *
 * @param confidence asked for; with very few values the widest interval there is holds less, and
 * the result says how much.
 */
export function locationShift(
  first: readonly number[],
  second: readonly number[],
  confidence = 0.95,
): Interval {
  const pairs = first.length * second.length
  if (pairs === 0) return { estimate: 0, low: -Infinity, high: Infinity, confidence: 1 }
  const differences = new Float64Array(pairs)
  let i = 0
  for (const y of second) for (const x of first) differences[i++] = y - x
  differences.sort()
  const { rank, confidence: reached } = boundRank(first.length, second.length, confidence)
  return {
    estimate: ((differences[(pairs - 1) >> 1] ?? 0) + (differences[pairs >> 1] ?? 0)) / 2,
    low: differences[rank - 1] ?? Number.NaN,
    high: differences[pairs - rank] ?? Number.NaN,
    confidence: reached,
  }
}

/** Which difference, counted from either end, bounds the interval; and the confidence it gives. */
function boundRank(
  firstCount: number,
  secondCount: number,
  confidence: number,
): { rank: number; confidence: number } {
  const half = (1 - confidence) / 2
  const pairs = firstCount * secondCount
  const count = firstCount + secondCount
  if (count <= EXACT_VALUES_MAX) {
    const probabilities = rankSumDistribution(untiedDoubledRanks(count), secondCount)
    const least = secondCount * (secondCount + 1)
    let tail = probabilities[least] ?? 0
    let rank = 1
    // The interval of rank k leaves out U < k at either end.
    while (tail + (probabilities[least + 2 * rank] ?? 0) <= half) {
      tail += probabilities[least + 2 * rank] ?? 0
      rank++
    }
    return { rank, confidence: 1 - 2 * tail }
  }
  const deviation = Math.sqrt((pairs * (count + 1)) / 12)
  const rank = Math.max(1, Math.floor(pairs / 2 + deviation * normalQuantile(half)))
  const tail = normalUpperTail((pairs / 2 - rank + 0.5) / deviation)
  return { rank, confidence: 1 - 2 * tail }
}
