import type { GeneratorThread, InvalidReason, LatencySummary, StepResult } from '../run-result.ts'

/** Beyond which a percentile may be the generator's own. */
export const LAG_LIMITS = {
  /** Lag below this is that of timers, of a collection of garbage, of the system; in milliseconds. */
  floorMs: 20,
  /** Least share of the percentile. */
  percentileShare: 0.1,
  /** Least share of what the percentile lies above the median. */
  tailShare: 0.5,
} as const

/**
 * Percentiles, and how many seconds must have been measured before the lag at one is more than chance: it is looked
 * at a hundred times a second, and three of them must lie beyond.
 */
const JUDGED = [
  ['p50', 'p50', 3],
  ['p90', 'p90', 3],
  ['p99', 'p99', 3],
  ['p999', 'p99.9', 30],
] as const satisfies readonly (readonly [keyof LatencySummary, string, number])[]

/**
 * A reason for each percentile from due that the generator's own lag, at the same percentile, could explain: at least
 * half of what it lies above the median.
 */
export function laggedPercentiles(
  threads: readonly GeneratorThread[],
  steps: readonly Pick<StepResult, 'step' | 'dueLatency'>[],
): InvalidReason[] {
  const secondCount = Math.max(0, ...threads.map((thread) => thread.secondCount))
  return JUDGED.flatMap(([key, name, secondsMin]) => {
    if (secondCount < secondsMin) return []
    const lagMs = Math.max(0, ...threads.flatMap(({ loopLagMs, arrivalLagMs }) => [loopLagMs[key], arrivalLagMs[key]]))
    const lagged = steps.filter(({ dueLatency }) => isExplained(dueLatency.summaryMs, key, lagMs))
    if (lagged.length === 0) return []
    const figures = lagged.map(({ step, dueLatency }) => `${step} ${name} of ${dueLatency.summaryMs[key].toFixed(1)} ms`)
    const sentence =
      `${figures.join(', ')} may be made by the load generator: its threads were ` +
      `${lagMs.toFixed(1)} ms late at the same percentile`
    return [{ code: 'lag_in_percentile', sentence }]
  })
}

function isExplained(due: LatencySummary, key: keyof LatencySummary, lagMs: number): boolean {
  const tailMs = key === 'p50' ? due.p50 : due[key] - due.p50
  return (
    due[key] > 0 &&
    lagMs >= LAG_LIMITS.floorMs &&
    lagMs >= LAG_LIMITS.percentileShare * due[key] &&
    lagMs >= LAG_LIMITS.tailShare * tailMs
  )
}
