import { LoadgenError } from '../loadgen-error.ts'
import type { RunResult } from '../run-result.ts'
import { SeededRandom } from '../seeded-random.ts'
import { changeSentence } from './change-words.ts'
import { cliffsDelta } from './cliffs-delta.ts'
import { assumptionsOf } from './assumptions.ts'
import { comparabilityWarnings } from './comparability.ts'
import {
  COMPARISON_SCHEMA,
  type Comparison,
  type ComparisonVerdict,
  type MetricComparison,
} from './comparison.ts'
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
import { rankTest, type RankTest } from './rank-test.ts'

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
  const measured = plannedMetrics(steps, limits, options.metrics).map(({ metric, isTested }) => {
    const samples =
      basis === 'seconds'
        ? samplesOfSeconds(one, other, metric, numbers)
        : samplesOfRuns(runsOf(first), runsOf(second), metric, numbers)
    const isMeasured = samples.firstValues.length > 0 && samples.secondValues.length > 0
    // A handful of blocks has no typical one; a handful of runs is what people have.
    const isUseful = isMeasured && (samples.isEnough || basis === 'runs')
    return {
      metric,
      samples,
      test: isTested ? rankTest(samples.firstValues, samples.secondValues) : undefined,
      ...(isUseful ? sizes(metric, samples, numbers) : { typical: undefined, delta: undefined }),
    }
  })
  const adjusted = adjustedByMetric(measured)
  const metrics = measured.map(({ metric, samples, test, typical, delta }): MetricComparison => {
    const adjustedPValue = test === undefined ? undefined : (adjusted.get(metric) ?? 1)
    const figures = {
      metric: metricName(metric),
      unit: UNITS[metric.kind],
      first: samples.first,
      second: samples.second,
      change: samples.change,
      typicalChange: typical,
      delta,
      firstCount: samples.firstValues.length,
      secondCount: samples.secondValues.length,
      blockMs: samples.blockMs,
      pValue: test?.pValue,
      adjustedPValue,
      method: test?.method,
    }
    const verdict = verdictOf(metric, samples, adjustedPValue, numbers.alpha)
    return { ...figures, verdict, sentence: changeSentence(metric, figures, verdict) }
  })
  return {
    schema: COMPARISON_SCHEMA,
    basis,
    firstNames: first.map(({ name }) => name),
    secondNames: second.map(({ name }) => name),
    warnings: comparabilityWarnings(first, second),
    metrics,
    limits: limits.flatMap((limit) =>
      limit.metrics.map((metric) => checkLimit(limit, metric, metrics)),
    ),
    assumptions: assumptionsOf(basis, metrics, numbers),
    ...numbers,
  }
}

const UNITS = { throughput: 'per_second', errors: 'share', latency: 'ms' } as const

function verdictOf(
  metric: ComparisonMetric,
  { isEnough, change }: MetricSamples,
  adjustedPValue: number | undefined,
  alpha: number,
): ComparisonVerdict {
  if (adjustedPValue === undefined) return 'not_tested'
  if (!isEnough || change === undefined) return 'undecided'
  if (adjustedPValue >= alpha) return 'no_difference_shown'
  if (change.low <= 0 && change.high >= 0) return 'unclear'
  return change.estimate > 0 === isMoreBetter(metric) ? 'better' : 'worse'
}

/**
 * Holm's adjustment over the metrics that a test could tell apart: where all values are equal, or
 * there are too few of them, no data could have given a finding, so they do not count (Tarone,
 * 1990).
 */
function adjustedByMetric(
  measured: readonly {
    readonly metric: ComparisonMetric
    readonly samples: MetricSamples
    readonly test: RankTest | undefined
  }[],
): ReadonlyMap<ComparisonMetric, number> {
  const counted = measured.filter(
    ({ samples, test }) =>
      test !== undefined &&
      samples.isEnough &&
      new Set([...samples.firstValues, ...samples.secondValues]).size > 1,
  )
  const adjusted = adjustPValues(counted.map(({ test }) => test?.pValue ?? 1))
  return new Map(counted.map(({ metric }, i) => [metric, adjusted[i] ?? 1]))
}

function sizes(
  metric: ComparisonMetric,
  { firstValues, secondValues }: MetricSamples,
  { alpha, resamples, seed }: Required<Pick<CompareOptions, 'alpha' | 'resamples' | 'seed'>>,
): Pick<MetricComparison, 'delta'> & { readonly typical: MetricComparison['typicalChange'] } {
  const confidence = 1 - alpha
  const random = new SeededRandom(seed)
  return {
    typical: typicalChange(metric, firstValues, secondValues, confidence),
    delta: cliffsDelta(firstValues, secondValues, { resamples, random, confidence }),
  }
}

/**
 * What is compared, in the order of the report: each metric once, tested if anybody asks for it.
 */
function plannedMetrics(
  steps: readonly string[],
  limits: readonly ChangeLimit[],
  wanted: readonly string[] | undefined,
): { metric: ComparisonMetric; isTested: boolean }[] {
  const tested: ComparisonMetric[] =
    wanted === undefined
      ? [{ kind: 'throughput' }, { kind: 'errors' }, ...figuresOf(steps, TESTED)]
      : wanted.flatMap((name) => parseMetrics(name, steps))
  tested.push(...limits.flatMap((limit) => limit.metrics))
  const testedNames = new Set(tested.map(metricName))
  const shown: ComparisonMetric[] = [
    { kind: 'throughput' },
    { kind: 'errors' },
    ...figuresOf(steps, SHOWN),
    ...tested,
  ]
  const byName = new Map(shown.map((metric) => [metricName(metric), metric]))
  return [...byName].map(([name, metric]) => ({ metric, isTested: testedNames.has(name) }))
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
