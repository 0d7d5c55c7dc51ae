import type { LatencySummary } from '../run-result.ts'
import { FIGURE_SHARES, type PercentileFigure } from './comparison-metric.ts'

/**
 * Cells of a distribution: 512 over a factor of 10,000 make steps of 1.8 %, interpolated inside.
 */
const CELLS = 512

/** Shares at or below the knots of {@link knots}. */
const KNOT_SHARES = [0, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1] as const

/** What is known of the latencies of one interval. */
export interface IntervalLatency {
  readonly count: number
  readonly summary: LatencySummary
}

/**
 * The latencies of each interval as a distribution over common cells, so that intervals can be
 * added and a percentile of the sum read.
 *
 * A result keeps the percentiles of each second, not its histogram, so the distribution is rebuilt
 * from them: straight lines, over the logarithm of the latency, through p50, p90, p99, p99.9 and
 * the maximum; below the median, of which nothing is known, the mirror image of what is above.
 * The percentile of a whole run comes out a few per cent beside the exact one at worst, which is
 * why it is only used for how far resampled runs lie from one another, around the exact value.
 */
export function percentileRows(
  intervals: readonly IntervalLatency[],
  figure: PercentileFigure,
): {
  count: number
  width: number
  cells: Float64Array<ArrayBuffer>
  valueOf: (sums: Float64Array, offset: number) => number
} {
  const all = intervals.map(({ summary, count }) => (count > 0 ? knots(summary) : undefined))
  const known = all.filter((one) => one !== undefined)
  const low = Math.min(...known.map((one) => one[0] ?? 0))
  const high = Math.max(...known.map((one) => one.at(-1) ?? 0))
  const step = known.length === 0 ? 1 : Math.max((high - low) / (CELLS - 1), 1e-9)
  const cells = new Float64Array(intervals.length * CELLS)
  for (const [row, one] of all.entries()) {
    if (one === undefined) continue
    const weight = intervals[row]?.count ?? 0
    let before = 0
    for (let cell = 0; cell < CELLS; cell++) {
      const share = shareBelow(one, low + cell * step)
      cells[row * CELLS + cell] = (share - before) * weight
      before = share
    }
  }
  const wanted = FIGURE_SHARES[figure]
  const valueOf = (sums: Float64Array, offset: number): number => {
    let total = 0
    for (let i = 0; i < CELLS; i++) total += sums[offset + i] ?? 0
    if (total <= 0) return Number.NaN
    let rest = wanted * total
    for (let i = 0; i < CELLS; i++) {
      const count = sums[offset + i] ?? 0
      if (count > 0 && rest <= count) return Math.exp(low + (i - 1 + rest / count) * step)
      rest -= count
    }
    return Math.exp(high)
  }
  return { count: intervals.length, width: CELLS, cells, valueOf }
}

/** Logarithms of the latencies at {@link KNOT_SHARES}, ascending. */
function knots(summary: LatencySummary): number[] {
  const median = logOf(summary.p50)
  const p90 = Math.max(median, logOf(summary.p90))
  const p99 = Math.max(p90, logOf(summary.p99))
  const p999 = Math.max(p99, logOf(summary.p999))
  const p10 = 2 * median - p90
  const p1 = 2 * median - p99
  return [p1 - 1e-6, p1, p10, median, p90, p99, p999, Math.max(p999, logOf(summary.max))]
}

/** A microsecond is the least that is recorded. */
function logOf(ms: number): number {
  return Math.log(Math.max(ms, 0.001))
}

function shareBelow(ascending: readonly number[], value: number): number {
  if (value < (ascending[0] ?? 0)) return 0
  for (let i = 1; i < ascending.length; i++) {
    const to = ascending[i] ?? 0
    // Where knots coincide the whole share lies at that one latency.
    if (value >= to) continue
    const from = ascending[i - 1] ?? 0
    const low = KNOT_SHARES[i - 1] ?? 0
    const high = KNOT_SHARES[i] ?? 1
    return low + ((value - from) / (to - from)) * (high - low)
  }
  return 1
}
