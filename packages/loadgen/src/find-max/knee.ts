/** A closed loop with so many connections. */
export interface ClosedStep {
  readonly connections: number
  readonly iterationsPerSecond: number
  readonly answersPerSecond: number
  /** From the sending, of the slowest request of the scenario. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** The generator, not the target, may be what limits this step. */
  readonly isGeneratorSaturated: boolean
}

/** Twice the connections that bring less than this are past the knee. */
const WORTHWHILE_GAIN = 1.05
/** Steps in a row that bring nothing before the search ends. */
const FUTILE_MAX = 2

/** Whether more connections are worth a try: not after two steps in a row without a gain. */
export function shouldGoOn(steps: readonly ClosedStep[]): boolean {
  let best = 0
  let futile = 0
  for (const { iterationsPerSecond } of steps) {
    futile = iterationsPerSecond >= best * WORTHWHILE_GAIN ? 0 : futile + 1
    best = Math.max(best, iterationsPerSecond)
  }
  return futile < FUTILE_MAX
}

/** The fewest connections that reach the best rate, but for the gain that is not worth while. */
export function kneeOf(steps: readonly ClosedStep[]): ClosedStep | undefined {
  const best = Math.max(0, ...steps.map(({ iterationsPerSecond }) => iterationsPerSecond))
  return steps.find(({ iterationsPerSecond }) => iterationsPerSecond * WORTHWHILE_GAIN >= best)
}
