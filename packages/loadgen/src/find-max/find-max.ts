import type { ScenarioChoice } from '../coordinator/make-plan.ts'
import type { LoadOptions } from '../load-options.ts'
import { LoadgenError } from '../loadgen-error.ts'
import { type LoadRun, type RunControl, runLoad } from '../run-load.ts'
import type { RunResult } from '../run-result.ts'
import { withoutSecret } from '../target-address.ts'
import { type ClosedStep, kneeOf, shouldGoOn } from './knee.ts'

/** How the search is made; durations in milliseconds. */
export interface FindMaxOptions {
  /** Length of each closed-loop step; default 3 s, 500 ms to 5 min. */
  readonly stepMs?: number
  /** Share of the knee's rate at which the open loop runs; default 0.8, 0.1 to 1. */
  readonly share?: number
}

/** What was found. */
export interface FindMaxResult {
  /** One for each number of connections that was tried. */
  readonly steps: readonly ClosedStep[]
  readonly knee: ClosedStep
  /** More connections than were allowed may bring more: what was found is a lower bound and no knee. */
  readonly isLimitedByConnections: boolean
  /** Iterations a second of the open loop. */
  readonly openPerSecond: number
  /** The open loop's run. */
  readonly run: LoadRun
}

const STEP_MS = 3_000
const SHARE = 0.8
/** Length of a closed loop before the first step that only warms the generator up, as a share of a step's. */
const WARMUP_SHARE = 0.2

/**
 * Finds how much a service can take: closed loops with more and more connections until more bring
 * nothing (the knee), then an open loop with Poisson arrivals at 80 % of that rate, whose latencies
 * are those of a service that is busy and not drowning. `connections` is the most that is tried;
 * `durationMs` the length of the open loop.
 *
 * @param onStep told of each step.
 * @throws LoadgenError as {@link runLoad}; `LOADGEN_OPTION_INVALID` for a scenario that ends by
 * itself, or arrivals.
 */
export async function findMax(
  choice: ScenarioChoice,
  options: LoadOptions,
  search: FindMaxOptions = {},
  control: RunControl = {},
  onStep: (step: ClosedStep) => void = () => {},
): Promise<FindMaxResult> {
  const stepMs = within('stepMs', search.stepMs ?? STEP_MS, 500, 300_000)
  const share = within('share', search.share ?? SHARE, 0.1, 1)
  if (options.arrivals !== undefined) throw invalid('find-max makes its own arrivals')
  const most = options.connections ?? 256
  const least = (options.threads ?? 1) * Math.max(1, options.at?.length ?? 0)
  const steps: ClosedStep[] = []
  const warmupMs = Math.max(100, Math.round(stepMs * WARMUP_SHARE))
  await closedStep(choice, { ...options, connections: least }, warmupMs, control)
  for (let connections = least; shouldGoOn(steps); connections = Math.min(connections * 2, most)) {
    const step = await closedStep(choice, { ...options, connections }, stepMs, control)
    steps.push(step)
    onStep(step)
    if (control.signal?.aborted === true || connections >= most) break
  }
  const wasStillGrowing = shouldGoOn(steps) && kneeOf(steps) === steps.at(-1)
  const knee = kneeOf(steps)
  if (knee === undefined || knee.iterationsPerSecond === 0) {
    throw new LoadgenError('LOADGEN_TARGET_UNREACHABLE', `${withoutSecret(options.url)} completed nothing`)
  }
  const openPerSecond = Math.max(0.001, Math.round(knee.iterationsPerSecond * share * 1e3) / 1e3)
  const run = await runLoad(
    choice,
    {
      ...options,
      connections: Math.min(most, Math.max(least, knee.connections * 4)),
      arrivals: { kind: 'constant', perSecond: openPerSecond, isPoisson: true },
    },
    control,
  )
  return { steps, knee, isLimitedByConnections: wasStillGrowing, openPerSecond, run }
}

async function closedStep(
  choice: ScenarioChoice,
  options: LoadOptions,
  stepMs: number,
  control: RunControl,
): Promise<ClosedStep> {
  // All iterations from the first to the end of the last: a cut at either end would count parts of slow ones
  // wrongly, and a step of three seconds has few of those.
  const { result } = await runLoad(choice, { ...options, warmupMs: 0, durationMs: stepMs }, control)
  if (result.ended === 'sold_out' || result.ended === 'demand_exhausted') {
    throw invalid(`${result.scenario} ends by itself (${result.ended}); find-max needs an endless one`)
  }
  return {
    connections: options.connections ?? 1,
    iterationsPerSecond: rateOf(result, result.arrivals.completedCount),
    answersPerSecond: result.answersPerSecond,
    p50Ms: worst(result, 'p50'),
    p99Ms: worst(result, 'p99'),
    isGeneratorSaturated: result.invalidReasons.length > 0,
  }
}

function rateOf(result: RunResult, count: number): number {
  return result.elapsedMs > 0 ? (count * 1_000) / result.elapsedMs : 0
}

/** Of the step with the most of it: a scenario is as slow as its slowest request. */
function worst(result: RunResult, quantile: 'p50' | 'p99'): number {
  return Math.max(0, ...result.steps.map(({ sendLatency }) => sendLatency.summaryMs[quantile]))
}

function within(name: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value
  throw invalid(`${name} must be ${min} to ${max}, not ${value}`)
}

function invalid(sentence: string): LoadgenError {
  return new LoadgenError('LOADGEN_OPTION_INVALID', sentence)
}
