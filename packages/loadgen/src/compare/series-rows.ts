import type { RunResult, SeriesPoint, SeriesStep } from '../run-result.ts'
import type { ComparisonMetric } from './comparison-metric.ts'
import { isPercentile } from './comparison-metric.ts'
import { percentileRows } from './percentile-rows.ts'

/**
 * A metric over time as rows that may be added: the sum of some rows is the row of all their time
 * together, and `valueOf` reads the metric from it. Blocks of seconds and resampled runs are sums.
 */
export interface SeriesRows {
  readonly count: number
  readonly width: number
  /** Row after row. */
  readonly cells: Float64Array<ArrayBuffer>
  /** The time that a row covers, in milliseconds. */
  readonly rowMs: number
  /** The metric of a summed row; NaN when nothing was measured in it. */
  readonly valueOf: (sums: Float64Array, offset: number) => number
}

/**
 * The metric's series in one run. An unfinished last interval is left out unless it is the only
 * one.
 */
export function seriesRows(run: RunResult, metric: ComparisonMetric): SeriesRows {
  const points = wholePoints(run)
  const rowMs = run.series.intervalMs
  if (metric.kind === 'latency') {
    const at = run.steps.findIndex(({ step }) => step === metric.step)
    const steps = points.flatMap((point) => point.steps[at] ?? [])
    const parts = steps.map((step) => ({
      // From due a request without an answer is a wait as well.
      count: step.answerCount + (metric.origin === 'due' ? step.noAnswerCount : 0),
      summary: metric.origin === 'due' ? step.dueMs : step.sendMs,
    }))
    if (isPercentile(metric.figure)) return { rowMs, ...percentileRows(parts, metric.figure) }
    if (metric.figure === 'mean') {
      return ratioRows(
        rowMs,
        parts.map(({ count, summary }) => [count * summary.mean, count]),
      )
    }
    return largestRows(
      rowMs,
      parts.map(({ summary }) => summary.max),
    )
  }
  return metric.kind === 'throughput'
    ? ratioRows(
        rowMs,
        points.map((point) => [point.answerCount, point.lengthMs / 1_000]),
      )
    : ratioRows(
        rowMs,
        points.map((point) => [point.errorCount, requestCount(point)]),
      )
}

/** Adds neighbouring rows, `length` at a time; a rest that is too short is left out. */
export function groupRows(rows: SeriesRows, length: number): SeriesRows {
  if (length === 1) return rows
  const count = Math.floor(rows.count / length)
  const cells = new Float64Array(count * rows.width)
  for (let row = 0; row < count * length; row++) {
    const into = Math.floor(row / length) * rows.width
    for (let i = 0; i < rows.width; i++) {
      cells[into + i] = (cells[into + i] ?? 0) + (rows.cells[row * rows.width + i] ?? 0)
    }
  }
  return { ...rows, count, cells, rowMs: rows.rowMs * length }
}

/** The metric row by row. */
export function rowValues(rows: SeriesRows): number[] {
  return Array.from({ length: rows.count }, (_, i) => rows.valueOf(rows.cells, i * rows.width))
}

function wholePoints(run: RunResult): readonly SeriesPoint[] {
  const { points, intervalMs } = run.series
  const last = points.at(-1)
  const isCut = last !== undefined && last.lengthMs < intervalMs * 0.9
  return isCut && points.length > 1 ? points.slice(0, -1) : points
}

function requestCount(step: SeriesStep): number {
  return step.answerCount + step.noAnswerCount
}

function ratioRows(rowMs: number, pairs: readonly (readonly [number, number])[]): SeriesRows {
  return {
    count: pairs.length,
    width: 2,
    cells: Float64Array.from(pairs.flat()),
    rowMs,
    valueOf: (sums, offset) => {
      const divisor = sums[offset + 1] ?? 0
      return divisor > 0 ? (sums[offset] ?? 0) / divisor : Number.NaN
    },
  }
}

/**
 * Maxima cannot be added, but counts of maxima can: a cell for each value that occurs, and the
 * value is the largest whose cell is not empty.
 */
function largestRows(rowMs: number, maxima: readonly number[]): SeriesRows {
  const values = [...new Set(maxima.filter((value) => value > 0))].toSorted((x, y) => x - y)
  const width = Math.max(1, values.length)
  const cells = new Float64Array(maxima.length * width)
  for (const [row, value] of maxima.entries()) {
    if (value > 0) cells[row * width + values.indexOf(value)] = 1
  }
  return {
    count: maxima.length,
    width,
    cells,
    rowMs,
    valueOf: (sums, offset) => {
      for (let i = values.length - 1; i >= 0; i--) {
        if ((sums[offset + i] ?? 0) > 0) return values[i] ?? Number.NaN
      }
      return Number.NaN
    },
  }
}
