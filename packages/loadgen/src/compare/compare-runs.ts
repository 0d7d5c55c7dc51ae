import { LoadgenError } from '../loadgen-error.ts'
import type { RunResult } from '../run-result.ts'
import { changeSentence } from './change-words.ts'
import { assumptionsOf } from './assumptions.ts'
import { comparabilityWarnings } from './comparability.ts'
import {
  COMPARISON_SCHEMA,
  type Comparison,
  type ComparisonVerdict,
  type MetricComparison,
} from './comparison.ts'
import type { Interval } from './location-shift.ts'
import {
  type ComparisonMetric,
  isMoreBetter,
  type LatencyFigure,
  metricName,
  parseMetrics,
} from './comparison-metric.ts'
import { adjustPValues } from './holm.ts'
import { checkLimit, type ChangeLimit, parseLimit } from './change-limit.ts'
import {
  type MetricSamples,
  samplesOfRuns,
  samplesOfSeconds,
  typicalChange,
} from './metric-samples.ts'
import { rankTest, runsNeeded, smallestPValue } from './rank-test.ts'

/** A run and what to call it, for instance its file. */
export interface NamedRun {
  readonly name: string
  readonly run: RunResult
}

/** How to compare. */
export interface CompareOptions {
  /** Limits that must not be broken, `p99>+10%`. Default none. */
  readonly limits?: readonly string[]
  /**
   * Metrics to test, instead of `rate`, `errors` and p50 and p99 of every step. Default those.
   * The more are tested, the larger a difference must be to be told from chance.
   */
  readonly metrics?: readonly string[]
  /** Chance of finding a difference where there is none. Default 0.05; 0.0001 to 0.5. */
  readonly alpha?: number
  /** Runs drawn for each interval. Default 2000; 100 to 100000. */
  readonly resamples?: number
  /**
   * Seed of the drawing: the same runs and seed give the same numbers. Default 1; 0 to 2^32 - 1.
   */
  readonly seed?: number
}

/** Bounds and defaults of the numbers in {@link CompareOptions}. */
export const COMPARE_BOUNDS = {
  alpha: { default: 0.05, min: 0.0001, max: 0.5 },
  resamples: { default: 2_000, min: 100, max: 100_000 },
  seed: { default: 1, min: 0, max: 4_294_967_295 },
} as const

/** Percentiles that are shown without a test, unless asked for. */
const TESTED: readonly LatencyFigure[] = ['p50', 'p99']
const SHOWN: readonly LatencyFigure[] = ['p50', 'p90', 'p99', 'p999']

/**
 * Compares two runs, or two sets of runs when either has more than one, in throughput, errors and
 * the latency of every step that both have. Pure: the same input gives the same output.
 *
 * @param first the base, at least one run.
 * @param second what is compared with it, at least one run.
 * @throws LoadgenError `LOADGEN_OPTION_INVALID` for an option out of bounds, an empty side, or a
 * metric or step that does not exist.
 */
export function compareRuns(
  first: readonly NamedRun[],
  second: readonly NamedRun[],
  options: CompareOptions = {},
): Comparison {
  const numbers = checkedNumbers(options)
  const [one, other] = [first[0]?.run, second[0]?.run]
  if (one === undefined || other === undefined) {
    throw new LoadgenError('LOADGEN_OPTION_INVALID', 'a comparison needs a run on each side')
  }
  const basis = first.length === 1 && second.length === 1 ? 'seconds' : 'runs'
  const steps = commonSteps([...first, ...second])
  const limits = (options.limits ?? []).map((text) => parseLimit(text, steps))
  const planned = plannedMetrics(steps, limits, options.metrics, isRateImposed([...first, ...second]))
  const measured = planned.map(({ metric, purpose }): MeasuredMetric => {
    // Two-sided at twice the level, and the interval to it: one-sided at the level.
    const alpha = purpose === 'gate' ? numbers.alpha / GATE_TESTS : numbers.alpha
    const samples =
      basis === 'seconds'
        ? samplesOfSeconds(one, other, metric, { ...numbers, alpha })
        : samplesOfRuns(runsOf(first), runsOf(second), metric, { ...numbers, alpha })
    return { metric, purpose, samples, test: rankTest(samples.firstValues, samples.secondValues) }
  })
  const family = measured.filter(isInFamily)
  const adjusted = adjustedByMetric(family)
  const metrics = measured.map((each): MetricComparison => {
    const { metric, purpose, samples, test } = each
    const isTested = purpose !== 'shown'
    const together = purpose === 'gate' ? GATE_TESTS : Math.max(1, family.length)
    const adjustedPValue = purpose === 'gate' ? test.pValue * GATE_TESTS : (adjusted.get(metric) ?? 1)
    const figures = {
      metric: metricName(metric),
      unit: UNITS[metric.kind],
      first: samples.first,
      second: samples.second,
      change: isTested ? changeAt(each, adjustedPValue, numbers.alpha) : samples.change,
      firstCount: samples.firstValues.length,
      secondCount: samples.secondValues.length,
      blockMs: samples.blockMs,
      pValue: isTested ? test.pValue : undefined,
      adjustedPValue: isTested ? adjustedPValue : undefined,
      method: isTested ? test.method : undefined,
    }
    const canDecide = samples.isEnough && smallestP(samples) * together < numbers.alpha
    const verdict = isTested ? verdictOf(metric, figures.change, canDecide, adjustedPValue, numbers.alpha) : 'not_tested'
    const needed = { together, runs: runsNeeded(numbers.alpha, together) }
    return { ...figures, verdict, sentence: changeSentence(metric, figures, verdict, needed) }
  })
  return {
    schema: COMPARISON_SCHEMA,
    basis,
    firstNames: first.map(({ name }) => name),
    secondNames: second.map(({ name }) => name),
    warnings: comparabilityWarnings(first, second),
    metrics,
    limits: limits.flatMap((limit) =>
      limit.metrics.map((metric) => checkLimit(limit, metric, metrics, runsNeeded(numbers.alpha, GATE_TESTS))),
    ),
    assumptions: assumptionsOf(basis, metrics, numbers),
    ...numbers,
  }
}

const UNITS = { throughput: 'per_second', errors: 'share', latency: 'ms' } as const

/**
 * What a metric is looked at for: a gate was asked for by a limit and is tested alone; what is tested
 * shares a correction with the others that are; what is shown is not tested.
 */
type Purpose = 'gate' | 'tested' | 'shown'

/** A limit looks in one direction: that is half of a two-sided test. */
const GATE_TESTS = 0.5

interface MeasuredMetric {
  readonly metric: ComparisonMetric
  readonly purpose: Purpose
  readonly samples: MetricSamples
  readonly test: ReturnType<typeof rankTest>
}

function verdictOf(
  metric: ComparisonMetric,
  change: Interval | undefined,
  canDecide: boolean,
  adjustedPValue: number,
  alpha: number,
): ComparisonVerdict {
  if (!canDecide || change === undefined) return 'undecided'
  const isZeroInside = change.low <= 0 && change.high >= 0
  if (adjustedPValue >= alpha) return isZeroInside ? 'no_difference_shown' : 'unclear'
  if (isZeroInside) return 'unclear'
  return change.estimate > 0 === isMoreBetter(metric) ? 'better' : 'worse'
}

/**
 * The interval at the level that the test has after its correction, so that words and interval agree.
 * That of the seconds of one run is another method and has its own level.
 */
function changeAt(
  { metric, samples, test }: MeasuredMetric,
  adjustedPValue: number,
  alpha: number,
): Interval | undefined {
  if (samples.blockMs !== undefined || samples.change === undefined) return samples.change
  const level = alpha * (test.pValue / adjustedPValue)
  return typicalChange(metric, samples.firstValues, samples.secondValues, 1 - level)
}

function smallestP({ firstValues, secondValues }: MetricSamples): number {
  return smallestPValue(firstValues.length, secondValues.length)
}

/** An open loop that kept up has the rate that it was told to have: there is nothing to find. */
function isRateImposed(runs: readonly NamedRun[]): boolean {
  const plans = new Set(runs.map(({ run }) => JSON.stringify(run.options['arrivals'] ?? null)))
  return (
    plans.size === 1 &&
    runs.every(({ run: { arrivals } }) => arrivals.kind !== 'closed' && arrivals.completedCount >= 0.99 * arrivals.dueCount)
  )
}

/**
 * Whether a metric shares the correction: where all values are equal, or there are too few of them, no
 * data could have given a finding, so they do not count (Tarone, 1990).
 */
function isInFamily({ purpose, samples }: MeasuredMetric): boolean {
  const values = new Set([...samples.firstValues, ...samples.secondValues])
  return purpose === 'tested' && samples.isEnough && values.size > 1
}

function adjustedByMetric(family: readonly MeasuredMetric[]): ReadonlyMap<ComparisonMetric, number> {
  const adjusted = adjustPValues(family.map(({ test }) => test.pValue))
  return new Map(family.map(({ metric }, i) => [metric, adjusted[i] ?? 1]))
}

/**
 * What is compared, in the order of the report: each metric once, tested if anybody asks for it.
 * A rate that is imposed is tested only when it is asked for by name.
 */
function plannedMetrics(
  steps: readonly string[],
  limits: readonly ChangeLimit[],
  wanted: readonly string[] | undefined,
  isRateTold: boolean,
): { metric: ComparisonMetric; purpose: Purpose }[] {
  const rate: ComparisonMetric[] = isRateTold ? [] : [{ kind: 'throughput' }]
  const tested: ComparisonMetric[] =
    wanted === undefined
      ? [...rate, { kind: 'errors' }, ...figuresOf(steps, TESTED)]
      : wanted.flatMap((name) => parseMetrics(name, steps))
  const gates = limits.flatMap((limit) => limit.metrics)
  const testedNames = new Set(tested.map(metricName))
  const gateNames = new Set(gates.map(metricName))
  const shown: ComparisonMetric[] = [
    { kind: 'throughput' },
    { kind: 'errors' },
    ...figuresOf(steps, SHOWN),
    ...tested,
    ...gates,
  ]
  const byName = new Map(shown.map((metric) => [metricName(metric), metric]))
  return [...byName].map(([name, metric]) => ({
    metric,
    purpose: gateNames.has(name) ? 'gate' : testedNames.has(name) ? 'tested' : 'shown',
  }))
}

function figuresOf(
  steps: readonly string[],
  figures: readonly LatencyFigure[],
): ComparisonMetric[] {
  return steps.flatMap((step) =>
    figures.map((figure) => ({ kind: 'latency' as const, step, origin: 'due' as const, figure })),
  )
}

function commonSteps(runs: readonly NamedRun[]): string[] {
  const [first, ...others] = runs.map(({ run }) => run.steps.map(({ step }) => step))
  return (first ?? []).filter((step) => others.every((steps) => steps.includes(step)))
}

function runsOf(named: readonly NamedRun[]): RunResult[] {
  return named.map(({ run }) => run)
}

function checkedNumbers(
  options: CompareOptions,
): Required<Pick<CompareOptions, 'alpha' | 'resamples' | 'seed'>> {
  const check = (name: keyof typeof COMPARE_BOUNDS, isWhole: boolean): number => {
    const { default: usual, min, max } = COMPARE_BOUNDS[name]
    const value = options[name] ?? usual
    if (value >= min && value <= max && (!isWhole || Number.isInteger(value))) return value
    throw new LoadgenError(
      'LOADGEN_OPTION_INVALID',
      `${name} is ${value}, not a ${isWhole ? 'whole ' : ''}number from ${min} to ${max}`,
    )
  }
  return {
    alpha: check('alpha', false),
    resamples: check('resamples', true),
    seed: check('seed', true),
  }
}
