import { LoadgenError } from '../loadgen-error.ts'
import { metricText, signedPercent } from './change-words.ts'
import type { LimitResult, MetricComparison } from './comparison.ts'
import { type ComparisonMetric, metricName, parseMetrics } from './comparison-metric.ts'

/** A limit for how far the second side may lie from the first. */
export interface ChangeLimit {
  readonly text: string
  readonly metrics: readonly ComparisonMetric[]
  readonly isUpper: boolean
  /** Relative, or in the metric's own unit (milliseconds, answers a second, a share). */
  readonly isRelative: boolean
  readonly value: number
}

/** Factors into the unit of the metric; `%` is a relative change, `pp` percentage points. */
const UNIT_FACTORS: Readonly<Record<string, number>> = {
  '%': 0.01,
  pp: 0.01,
  us: 0.001,
  ms: 1,
  s: 1_000,
  '/s': 1,
}

const UNITS_OF: Readonly<Record<ComparisonMetric['kind'], readonly string[]>> = {
  throughput: ['%', '/s'],
  errors: ['pp', '%'],
  latency: ['%', 'us', 'ms', 's'],
}

/**
 * Reads a limit: a metric, `>` or `<`, and a change with its sign and unit: `p99>+10%`,
 * `purchase.p99.9>+5ms`, `rate<-5%`, `errors>+0.1pp`. A latency without a step means every step.
 *
 * @throws LoadgenError `LOADGEN_OPTION_INVALID` with a sentence for the user.
 */
export function parseLimit(text: string, steps: readonly string[]): ChangeLimit {
  const found =
    /^\s*(?<name>[^<>\s]+)\s*(?<sign>[<>])\s*(?<value>[+-]\d{1,9}(?:\.\d{1,9})?)\s*(?<unit>%|pp|us|ms|s|\/s)\s*$/.exec(
      text,
    )?.groups
  if (found === undefined) {
    throw new LoadgenError(
      'LOADGEN_OPTION_INVALID',
      `${text} is not a limit such as 'p99>+10%', 'rate<-5%' or 'errors>+0.1pp'`,
    )
  }
  const { name = '', sign, value, unit = '' } = found
  const metrics = parseMetrics(name, steps)
  for (const { kind } of metrics) {
    if (UNITS_OF[kind].includes(unit)) continue
    throw new LoadgenError(
      'LOADGEN_OPTION_INVALID',
      `${text}: the change of ${name} is given in ${UNITS_OF[kind].join(', ')}, not in ${unit}`,
    )
  }
  return {
    text: text.trim(),
    metrics,
    isUpper: sign === '>',
    isRelative: unit === '%',
    value: Number(value) * (UNIT_FACTORS[unit] ?? Number.NaN),
  }
}

/** Holds a limit against a metric that was compared; `runsNeeded` on each side can break one. */
export function checkLimit(
  limit: ChangeLimit,
  metric: ComparisonMetric,
  compared: readonly MetricComparison[],
  runsNeeded: number,
): LimitResult {
  const name = metricName(metric)
  const found = compared.find((one) => one.metric === name)
  const result = { text: limit.text, metric: name }
  const estimate = found === undefined ? undefined : changeIn(limit, metric, found)
  if (found === undefined || estimate === undefined || Number.isNaN(estimate)) {
    const sentence = `${limit.text}: ${metricText(metric)} was not measured on both sides.`
    return { ...result, outcome: 'not_judged', sentence }
  }
  if (found.verdict === 'undecided') {
    const { firstCount, secondCount, blockMs } = found
    const why =
      blockMs === undefined
        ? `too few runs: ${runsNeeded} on each side are needed, there are ${firstCount} and ${secondCount}`
        : `too few seconds: run for longer, or compare ${runsNeeded} runs on each side`
    return { ...result, outcome: 'not_judged', sentence: `${limit.text}: not judged, ${name} has ${why}.` }
  }
  const size = limit.isRelative ? signedPercent(estimate) : signedAmount(metric, estimate)
  const isBeyond = limit.isUpper ? estimate > limit.value : estimate < limit.value
  if (!isBeyond) {
    return {
      ...result,
      outcome: 'kept',
      sentence: `${limit.text}: kept, ${name} changed by ${size}.`,
    }
  }
  if (found.verdict === 'worse' || found.verdict === 'better') {
    return {
      ...result,
      outcome: 'broken',
      sentence: `${limit.text}: broken, ${name} changed by ${size}.`,
    }
  }
  return {
    ...result,
    outcome: 'undecided',
    sentence: `${limit.text}: undecided, ${name} changed by ${size}, but that may be chance.`,
  }
}

/** The change in the unit of the limit. */
function changeIn(
  limit: ChangeLimit,
  metric: ComparisonMetric,
  { first, change }: MetricComparison,
): number | undefined {
  if (first === undefined || change === undefined) return undefined
  if (metric.kind === 'errors') {
    // From no error at all, any is infinitely more.
    return limit.isRelative && change.estimate !== 0 ? change.estimate / first : change.estimate
  }
  return limit.isRelative ? change.estimate : change.estimate * first
}

function signedAmount(metric: ComparisonMetric, amount: number): string {
  const sign = amount < 0 ? '-' : '+'
  const size = Math.abs(amount)
  if (metric.kind === 'errors') return `${sign}${(size * 100).toPrecision(3)} percentage points`
  return `${sign}${size.toPrecision(3)} ${metric.kind === 'latency' ? 'ms' : 'answers/s'}`
}
