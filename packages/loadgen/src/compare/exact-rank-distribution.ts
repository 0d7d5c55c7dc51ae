/** Above this many values together the normal approximation is used: it is good to 0.001 there. */
export const EXACT_VALUES_MAX = 50

/**
 * The distribution, over every equally likely choice of `chosen` of the given ranks, of their sum.
 *
 * Counts of choices by size and sum, one rank after the other: with 50 ranks at most C(50, 25) =
 * 1.3e14 choices and sums up to 2550, so that doubles count exactly and the work is 3 million
 * steps.
 *
 * @param doubledRanks at most {@link EXACT_VALUES_MAX} doubled ranks, tied or not.
 * @returns probability by sum.
 */
export function rankSumDistribution(
  doubledRanks: Int32Array,
  chosen: number,
): Float64Array<ArrayBuffer> {
  if (doubledRanks.length > EXACT_VALUES_MAX) {
    throw new RangeError(`exact ranks of ${doubledRanks.length} values`)
  }
  const sumMax = doubledRanks.reduce((sum, rank) => sum + rank, 0)
  const width = sumMax + 1
  const ways = new Float64Array((chosen + 1) * width)
  ways[0] = 1
  let reached = 0
  for (const rank of doubledRanks) {
    reached += rank
    for (let size = chosen; size >= 1; size--) {
      const into = size * width
      const from = into - width
      for (let sum = reached; sum >= rank; sum--) {
        ways[into + sum] = (ways[into + sum] ?? 0) + (ways[from + sum - rank] ?? 0)
      }
    }
  }
  const row = ways.slice(chosen * width)
  const total = row.reduce((sum, count) => sum + count, 0)
  return row.map((count) => count / total)
}

/** Doubled ranks of `count` values without ties: 2, 4, 6, ... */
export function untiedDoubledRanks(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => 2 * (i + 1))
}
