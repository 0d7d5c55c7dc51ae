import type { RunResult } from '../run-result.ts'
import { SeededRandom } from '../seeded-random.ts'
import { blockBootstrap, middleOf } from './block-bootstrap.ts'
import { blockLength, BLOCKS_MIN } from './block-length.ts'
import {
  type ComparisonMetric,
  FIGURE_SHARES,
  isPercentile,
  wholeRunValue,
} from './comparison-metric.ts'
import { type Interval, locationShift } from './location-shift.ts'
import { normalQuantile } from './normal-distribution.ts'
import { smallestPValue } from './rank-test.ts'
import { groupRows, rowValues, type SeriesRows, seriesRows } from './series-rows.ts'

/** How to draw and how sure to be. */
export interface SamplingOptions {
  readonly alpha: number
  readonly resamples: number
  readonly seed: number
}

/** One metric of both sides, ready for the tests. */
export interface MetricSamples {
  readonly first: number | undefined
  readonly second: number | undefined
  /** Values that can be taken as independent. */
  readonly firstValues: readonly number[]
  readonly secondValues: readonly number[]
  readonly blockMs: number | undefined
  /** Whether there are enough values for a test to find anything. */
  readonly isEnough: boolean
  /** Of the whole run or the typical run; undefined when a side was not measured. */
  readonly change: Interval | undefined
}

/**
 * Answers beyond a percentile that each block must have: fewer, and it is a matter of one answer.
 */
const BEYOND_PERCENTILE_MIN = 5

/** How much neighbours depend on one another cannot be told from a shorter series. */
const ROWS_MIN = 10

/** Rows are merged to at most this many: more cost time and say nothing more. */
const ROWS_MAX = 512

/** Blocks of seconds of one run against blocks of seconds of another. */
export function samplesOfSeconds(
  first: RunResult,
  second: RunResult,
  metric: ComparisonMetric,
  options: SamplingOptions,
): MetricSamples {
  const [firstRows, secondRows] = alignedRows(first, second, metric)
  const length = Math.max(
    blockLength(finite(rowValues(firstRows))),
    blockLength(finite(rowValues(secondRows))),
    rowsForPercentile(first, firstRows, metric),
    rowsForPercentile(second, secondRows, metric),
  )
  const firstValues = finite(rowValues(groupRows(firstRows, length)))
  const secondValues = finite(rowValues(groupRows(secondRows, length)))
  const whole = { first: wholeRunValue(first, metric), second: wholeRunValue(second, metric) }
  return {
    ...whole,
    firstValues,
    secondValues,
    blockMs: firstRows.rowMs * length,
    isEnough:
      Math.min(firstValues.length, secondValues.length) >= BLOCKS_MIN &&
      Math.min(firstRows.count, secondRows.count) >= ROWS_MIN,
    change: bootstrapChange(metric, whole, [firstRows, secondRows], length, options),
  }
}

/** Runs of one set against runs of another. */
export function samplesOfRuns(
  first: readonly RunResult[],
  second: readonly RunResult[],
  metric: ComparisonMetric,
  options: SamplingOptions,
): MetricSamples {
  const firstValues = first.flatMap((run) => wholeRunValue(run, metric) ?? [])
  const secondValues = second.flatMap((run) => wholeRunValue(run, metric) ?? [])
  const isMeasured = firstValues.length > 0 && secondValues.length > 0
  return {
    first: median(firstValues),
    second: median(secondValues),
    firstValues,
    secondValues,
    blockMs: undefined,
    isEnough: smallestPValue(firstValues.length, secondValues.length) < options.alpha,
    change: isMeasured
      ? typicalChange(metric, firstValues, secondValues, 1 - options.alpha)
      : undefined,
  }
}

/** Hodges and Lehmann's shift, as a relative change, or for shares as a difference. */
export function typicalChange(
  metric: ComparisonMetric,
  first: readonly number[],
  second: readonly number[],
  confidence: number,
): Interval {
  if (metric.kind === 'errors') return locationShift(first, second, confidence)
  const shift = locationShift(first.map(logOf), second.map(logOf), confidence)
  return {
    estimate: Math.expm1(shift.estimate),
    low: Math.expm1(shift.low),
    high: Math.expm1(shift.high),
    confidence: shift.confidence,
  }
}

function bootstrapChange(
  metric: ComparisonMetric,
  whole: { readonly first: number | undefined; readonly second: number | undefined },
  rows: readonly [SeriesRows, SeriesRows],
  length: number,
  { alpha, resamples, seed }: SamplingOptions,
): Interval | undefined {
  if (whole.first === undefined || whole.second === undefined) return undefined
  const random = new SeededRandom(seed)
  const confidence = 1 - alpha
  const drawn = rows.map((side) => blockBootstrap(side, length, resamples, random))
  // What the rows say of the whole run: its distance from the exact value is not chance.
  const base = rows.map((side) => rowValues(groupRows(side, side.count || 1))[0] ?? Number.NaN)
  const isDifference = metric.kind === 'errors'
  const scale = isDifference ? (value: number): number => value : logOf
  const distances = Float64Array.from({ length: resamples }, (_, i) => {
    const [first, second] = [0, 1].map(
      (side) => scale(drawn[side]?.[i] ?? Number.NaN) - scale(base[side] ?? Number.NaN),
    )
    return (second ?? Number.NaN) - (first ?? Number.NaN)
  })
  const blocks = Math.min(...rows.map((side) => side.count / length))
  const wider = smallSampleFactor(blocks, confidence)
  const middle = middleOf(
    distances.map((distance) => distance * wider),
    confidence,
  )
  const estimate = scale(whole.second) - scale(whole.first)
  const back = isDifference ? (value: number): number => value : Math.expm1
  return {
    estimate: back(estimate),
    low: back(estimate + middle.low),
    high: back(estimate + middle.high),
    confidence,
  }
}

/**
 * Resampling few blocks finds too little spread: their variance is divided by their number, not
 * by one less, and the tails are those of a normal instead of Student's distribution (its
 * quantile by the expansion of Abramowitz and Stegun, 26.7.5).
 */
function smallSampleFactor(blocks: number, confidence: number): number {
  const free = Math.max(2, blocks - 1)
  const z = normalQuantile(1 - (1 - confidence) / 2)
  const first = (z ** 3 + z) / (4 * free)
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * free ** 2)
  return ((z + first + second) / z) * Math.sqrt((free + 1) / free)
}

/** Rows of equal length on both sides, and not too many. */
function alignedRows(
  first: RunResult,
  second: RunResult,
  metric: ComparisonMetric,
): [SeriesRows, SeriesRows] {
  const sides = [seriesRows(first, metric), seriesRows(second, metric)] as const
  const longest = Math.max(...sides.map((side) => side.rowMs))
  const most = Math.max(...sides.map((side) => (side.count * side.rowMs) / longest))
  const rowMs = longest * Math.max(1, Math.ceil(most / ROWS_MAX))
  const [one, other] = sides
  return [
    groupRows(one, Math.round(rowMs / one.rowMs)),
    groupRows(other, Math.round(rowMs / other.rowMs)),
  ]
}

function rowsForPercentile(run: RunResult, rows: SeriesRows, metric: ComparisonMetric): number {
  if (metric.kind !== 'latency' || !isPercentile(metric.figure) || rows.count === 0) return 1
  const answers = run.steps.find(({ step }) => step === metric.step)?.answerCount ?? 0
  const beyond = (answers / rows.count) * (1 - FIGURE_SHARES[metric.figure])
  return beyond > 0 ? Math.ceil(BEYOND_PERCENTILE_MIN / beyond - 1e-9) : 1
}

function finite(values: readonly number[]): number[] {
  return values.filter((value) => Number.isFinite(value))
}

/** Zero has no logarithm; less than a thousandth of the unit is not measured. */
function logOf(value: number): number {
  return Math.log(Math.max(value, 1e-3))
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((x, y) => x - y)
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}
