import type { ComparisonVerdict, MetricComparison } from './comparison.ts'
import type { ComparisonMetric } from './comparison-metric.ts'
import type { Interval } from './location-shift.ts'

/** Metrics tested together (a half for a one-sided test alone), and the runs a side that such a test needs at least. */
export interface NeededRuns {
  readonly together: number
  readonly runs: number
}

/** What a comparison says in one sentence for a reader who has no statistics. */
export function changeSentence(
  metric: ComparisonMetric,
  found: Omit<MetricComparison, 'verdict' | 'sentence'>,
  verdict: ComparisonVerdict,
  needed: NeededRuns,
): string {
  const { first, second, change } = found
  const what = metricText(metric)
  if (first === undefined || second === undefined || change === undefined) {
    const missing = first === undefined ? (second === undefined ? 'either side' : 'A') : 'B'
    return `${capital(what)} was not measured on ${missing}.`
  }
  const values = `${amount(metric, second)} against ${amount(metric, first)}`
  const chance = pText(found.adjustedPValue ?? found.pValue ?? 1)
  switch (verdict) {
    case 'better':
    case 'worse':
      return (
        `B's ${what} is ${clearRange(metric, change)} (${values}); ` +
        `such a difference by chance is unlikely (${chance}).`
      )
    case 'unclear':
      return change.low > 0 || change.high < 0
        ? `B's ${what} is ${clearRange(metric, change)} (${values}) as a whole, but piece by piece that ` +
            `may be chance (${chance}).`
        : `B's ${what} differs from A's in most of the time (${chance}), but over the whole run ` +
            `it could be ${openRange(metric, change)} (${values}).`
    case 'no_difference_shown':
      return isNothing(change)
        ? `B's ${what} is the same (${values}).`
        : `No difference in ${what} is shown (${chance}): B could be ${openRange(metric, change)} ` +
            `(${values}).`
    case 'undecided':
      return (
        `Whether B's ${what} differs cannot be judged from ${countWords(found)} (${values}): ` +
        `${found.blockMs === undefined ? runsWords(needed) : 'run for longer'}.`
      )
    default:
      return `B's ${what} is ${openRange(metric, change)} (${values}); not tested.`
  }
}

/** The metric in a sentence: `purchase p99`, `throughput`, `share of errors`. */
export function metricText(metric: ComparisonMetric): string {
  if (metric.kind === 'throughput') return 'throughput'
  if (metric.kind === 'errors') return 'share of errors'
  const figure = metric.figure === 'p999' ? 'p99.9' : metric.figure
  return `${metric.step} ${figure}${metric.origin === 'send' ? ' from the sending' : ''}`
}

/** A value of a metric with its unit. */
export function amount(metric: Pick<ComparisonMetric, 'kind'>, value: number): string {
  if (metric.kind === 'throughput') return `${significant(value)} answers/s`
  if (metric.kind === 'errors') return `${significant(value * 100)} %`
  return `${significant(value)} ms`
}

/** A relative change with its sign: `+12 %`, `-0.4 %`. */
export function signedPercent(change: number): string {
  if (!Number.isFinite(change)) return `${change < 0 ? '-' : '+'}infinitely`
  return `${change < 0 ? '-' : '+'}${percent(change)}`
}

/** An estimate with its bounds: `+12 % (+8 % to +17 %)`. */
export function rangeText(unit: MetricComparison['unit'], interval: Interval | undefined): string {
  if (interval === undefined) return '-'
  const text = (value: number): string =>
    unit === 'share' ? signedPoints(value) : signedPercent(value)
  const { estimate, low, high, confidence } = interval
  const note = confidence < 0.945 ? `, ${Math.floor(confidence * 100)} %` : ''
  return `${text(estimate)} (${text(low)} to ${text(high)}${note})`
}

function signedPoints(change: number): string {
  return `${change < 0 ? '-' : '+'}${significant(Math.abs(change) * 100)} pp`
}

/** `p = 0.002`, `p < 0.001`. */
export function pText(pValue: number): string {
  return pValue < 0.001
    ? 'p < 0.001'
    : `p = ${pValue < 0.1 ? pValue.toPrecision(1) : pValue.toFixed(2)}`
}

/** Three digits are more than such a measurement has; large numbers keep their whole part. */
export function significant(value: number): string {
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 100) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

/** Both bounds lie on one side: `12 % to 18 % slower`. */
function clearRange(metric: ComparisonMetric, { low, high }: Interval): string {
  const [near, far] = low > 0 ? [low, high] : [high, low]
  const one = sizeText(metric, near)
  const other = sizeText(metric, far)
  const range = one === other ? `about ${one}` : `${one} to ${other}`
  return `${range} ${directionWord(metric, near)}`
}

/** The bounds may lie on both sides: `between 3 % faster and 5 % slower`. */
function openRange(metric: ComparisonMetric, change: Interval): string {
  const { low, high } = change
  if (isNothing(change)) return 'the same'
  if (low > 0 || high < 0) return clearRange(metric, change)
  const side = (bound: number): string =>
    sizeText(metric, bound) === sizeText(metric, 0)
      ? 'the same'
      : `${sizeText(metric, bound)} ${directionWord(metric, bound)}`
  return `anything between ${side(low)} and ${side(high)}`
}

function isNothing({ low, high }: Interval): boolean {
  return low === 0 && high === 0
}

function sizeText(metric: ComparisonMetric, change: number): string {
  if (metric.kind === 'errors') return `${significant(Math.abs(change) * 100)} percentage points`
  return percent(change)
}

function directionWord(metric: ComparisonMetric, change: number): string {
  if (metric.kind === 'latency') return change > 0 ? 'slower' : 'faster'
  return change > 0 ? 'higher' : 'lower'
}

function percent(change: number): string {
  const size = Math.abs(change) * 100
  if (!Number.isFinite(size)) return 'infinitely'
  return `${size >= 9.95 ? Math.round(size).toLocaleString('en-US') : size.toFixed(1)} %`
}

function runsWords({ together, runs }: NeededRuns): string {
  return together <= 1
    ? `${runs} runs on each side are needed`
    : `for ${together} metrics together ${runs} runs on each side are needed; ask for one alone by --metric or --fail`
}

function countWords({
  firstCount,
  secondCount,
  blockMs,
}: Pick<MetricComparison, 'firstCount' | 'secondCount' | 'blockMs'>): string {
  const what = blockMs === undefined ? 'runs' : `blocks of ${significant(blockMs / 1_000)} s`
  return `${firstCount} and ${secondCount} ${what}`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
