import type { Interval } from './location-shift.ts'

/** Version of a comparison as JSON: it changes when a field changes its meaning or goes away. */
export const COMPARISON_SCHEMA = 'megacache-loadgen-comparison/2' as const

/**
 * What a metric's comparison comes to.
 *
 * | verdict | means |
 * | --- | --- |
 * | `better`, `worse` | the rank test and the interval both say so, in one direction |
 * | `unclear` | the rank test finds a difference and the interval does not, or the other way round |
 * | `no_difference_shown` | neither does: the interval says how large a difference is still possible |
 * | `undecided` | there are too few values for any answer, whatever they are |
 * | `not_tested` | shown for information, without a test |
 */
export type ComparisonVerdict =
  | 'better'
  | 'worse'
  | 'unclear'
  | 'no_difference_shown'
  | 'undecided'
  | 'not_tested'

/** Two sides compared in one metric. */
export interface MetricComparison {
  /** `rate`, `errors`, `purchase.p99`, `purchase.send.p50`. */
  readonly metric: string
  /**
   * Of {@link first} and {@link second}: answers a second, a share from 0 to 1, or milliseconds.
   */
  readonly unit: 'per_second' | 'share' | 'ms'
  /**
   * Over the whole run, from its histogram; over several runs, their median. Undefined: not
   * measured.
   */
  readonly first: number | undefined
  readonly second: number | undefined
  /**
   * How far the second lies above the first: a relative change (0.1 is 10 % more), for `errors` a
   * difference of shares. Bounds: block bootstrap over the seconds, or the rank interval over the
   * runs at the level of the test.
   */
  readonly change: Interval | undefined
  /** How many values the rank test had on each side. */
  readonly firstCount: number
  readonly secondCount: number
  /** The time that each value covers, in milliseconds; undefined when each is a run. */
  readonly blockMs: number | undefined
  /** Mann and Whitney's test, two-sided; undefined for what was not tested. */
  readonly pValue: number | undefined
  /** The same, adjusted (Holm) for the metrics tested together; that of a limit is alone and one-sided. */
  readonly adjustedPValue: number | undefined
  readonly method: 'exact' | 'normal' | undefined
  readonly verdict: ComparisonVerdict
  readonly sentence: string
}

/** A limit for the change of a metric, and what it met. */
export interface LimitResult {
  /** As it was given, `p99>+10%`. */
  readonly text: string
  readonly metric: string
  /**
   * `broken`: beyond the limit, and hardly by chance; `undecided`: beyond it, but that may be
   * chance; `kept`: not beyond it; `not_judged`: too few runs, or not measured on both sides, so that
   * it could not have been broken.
   */
  readonly outcome: 'kept' | 'broken' | 'undecided' | 'not_judged'
  readonly sentence: string
}

/** Something that stands between the numbers and a conclusion. */
export interface ComparisonWarning {
  /** `invalid`: the numbers must not be compared; `caution`: read it before you conclude. */
  readonly severity: 'invalid' | 'caution'
  readonly sentence: string
}

/** Two runs, or two sets of runs, compared. Plain data. */
export interface Comparison {
  readonly schema: typeof COMPARISON_SCHEMA
  /** What the rank test compares: blocks of seconds of two runs, or whole runs of two sets. */
  readonly basis: 'seconds' | 'runs'
  readonly firstNames: readonly string[]
  readonly secondNames: readonly string[]
  readonly warnings: readonly ComparisonWarning[]
  readonly metrics: readonly MetricComparison[]
  readonly limits: readonly LimitResult[]
  /** What the intervals and p-values rest on, in sentences. */
  readonly assumptions: readonly string[]
  readonly alpha: number
  readonly resamples: number
  readonly seed: number
}
