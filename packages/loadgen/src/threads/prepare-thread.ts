import { dueTimes } from '../arrivals/due-times.ts'
import { Engine } from '../engine/engine.ts'
import type { Snapshot, ThreadEnd } from '../engine/snapshot.ts'
import type { LoadClock } from '../load-clock.ts'
import { connectionsOf, type ThreadPlan } from '../run-plan.ts'
import { CallRecorder } from '../sale/call-recorder.ts'
import type { Scenario } from '../scenario/define-scenario.ts'
import { buildProgram } from './build-program.ts'
import { warmUp } from './warm-up.ts'

/** What a thread needs from the place where it runs. */
export interface ThreadPorts {
  readonly clock: LoadClock
  readonly signal: AbortSignal | undefined
  /** What to add to a reading of `clock` for Unix milliseconds. */
  readonly unixOriginMs: number
  readonly onSnapshot: (snapshot: Snapshot) => void
  /** A scenario that was given as an object; only in the thread of the caller. */
  readonly scenario?: Scenario
}

/** Names of the steps, and what begins the run when all threads are ready. */
export interface PreparedThread {
  readonly steps: readonly string[]
  readonly run: () => Promise<ThreadEnd>
}

/**
 * Builds the program of a thread and its engine, and warms what they are made of.
 *
 * @throws LoadgenError `LOADGEN_SCENARIO_INVALID` or `LOADGEN_OPTION_INVALID`
 */
export async function prepareThread(
  thread: ThreadPlan,
  ports: ThreadPorts,
): Promise<PreparedThread> {
  const { plan, shard } = thread
  const recorder = new CallRecorder(ports.unixOriginMs)
  const { scenario, unixOriginMs } = ports
  const { program, preconnectPath } = await buildProgram(thread, recorder, unixOriginMs, scenario)
  const connections = connectionsOf(plan, shard)
  const engine = new Engine(program, {
    url: plan.url,
    authorization: plan.authorization,
    connections,
    concurrency: connections,
    dueTimes: dueTimes(plan.arrivals, plan.warmupMs + plan.durationMs, plan.seed, shard),
    endsWithArrivals: plan.arrivals.kind === 'trace',
    backlogMax: Math.max(1, Math.ceil(plan.backlogMax / shard.count)),
    warmupMs: plan.warmupMs,
    durationMs: plan.durationMs,
    requestTimeoutMs: plan.requestTimeoutMs,
    rideThroughMs: plan.rideThroughMs,
    preconnectPath: plan.preconnect ? preconnectPath : undefined,
    isLean: plan.lean,
    clock: ports.clock,
    signal: ports.signal,
    onSnapshot: ports.onSnapshot,
    takeCalls: () => recorder.take(),
  })
  if (ports.signal?.aborted !== true) await warmUp(plan.lean)
  return { steps: program.steps, run: () => engine.run() }
}
