import { isPoisson } from '../arrivals/arrival-plan.ts'
import type { Snapshot, ThreadEnd } from '../engine/snapshot.ts'
import { environmentOf } from '../environment.ts'
import { GENERATOR_VERSION } from '../generator-version.ts'
import type { CallHistory } from '../history/call-history.ts'
import { LatencyHistogram } from '../latency-histogram.ts'
import type { CheckedOptions } from '../load-options.ts'
import { connectWorker, type RemoteWorker } from '../machines/remote-worker.ts'
import { type ProgramSource, type RunPlan, type ThreadPlan } from '../run-plan.ts'
import type { RunProgress } from '../run-progress.ts'
import { RUN_RESULT_VERSION, type RunEnvironment, type RunResult } from '../run-result.ts'
import type { SaleStatus } from '../sale-status.ts'
import type { Scenario } from '../scenario/define-scenario.ts'
import { type LoadShard, shardHere, shardInThread } from '../threads/load-shard.ts'
import { laggedPercentiles } from '../verdict/lagged-percentiles.ts'
import { invalidReasons } from '../verdict/saturation.ts'
import { judgeThreshold } from '../verdict/threshold.ts'
import { joinEnds } from './join-ends.ts'
import { makePlan } from './make-plan.ts'
import { optionsInEffect } from './options-in-effect.ts'
import { RunCollector, type ShardName } from './run-collector.ts'

const PROGRESS_PERIOD_MS = 1_000
/** Snapshots of the same second come before the report of it. */
const PROGRESS_DELAY_MS = 100

/** What is run, and with what. */
export interface LoadCommission {
  readonly name: string
  readonly source: ProgramSource
  readonly options: CheckedOptions
  readonly sale: SaleStatus | undefined
  readonly history: CallHistory
  readonly scenario: Scenario | undefined
}

/** Prepares the threads of a run, begins them together, and gathers what they measure. */
export class LoadCoordinator {
  private readonly commission: LoadCommission
  private readonly plan: RunPlan
  private readonly environments: RunEnvironment[] = []
  private readonly missing: string[] = []
  private readonly workers: RemoteWorker[] = []
  /** Arrived before the steps were known: none, since nothing runs before. */
  private collector!: RunCollector
  private readonly recent = new LatencyHistogram()
  private readonly backlogs = new Map<string, number>()
  private droppedCount = 0
  private measuredFromCpuMs: number | undefined
  private remoteCpuMs = 0
  private elapsedMs = 0

  constructor(commission: LoadCommission) {
    this.commission = commission
    this.plan = makePlan(commission.source, commission.options, commission.sale)
  }

  async run(
    signal: AbortSignal | undefined,
    onProgress: ((progress: RunProgress) => void) | undefined,
  ): Promise<RunResult> {
    const { clock } = this.commission.options
    const stop = new AbortController()
    const onStop = (): void => stop.abort()
    signal?.addEventListener('abort', onStop)
    if (signal?.aborted === true) onStop()
    let shards: LoadShard[] = []
    let cancelProgress: (() => void) | undefined
    try {
      shards = await this.openShards(stop.signal)
      const steps = await allReady(shards)
      const { history } = this.commission
      this.collector = new RunCollector(steps, this.plan.durationMs, (call) => history.addCall(call))
      const progress = this.progressOf(onProgress)
      const tick = (delayMs: number): void => {
        cancelProgress = clock.setTimer(delayMs, () => {
          history.flush()
          progress()
          tick(PROGRESS_PERIOD_MS)
        })
      }
      tick(PROGRESS_PERIOD_MS + PROGRESS_DELAY_MS)
      if (this.plan.warmupMs === 0) this.measuredFromCpuMs = clock.cpuMs()
      const ends = await Promise.all(shards.map((shard) => shard.run()))
      const cpuMs = clock.cpuMs() - (this.measuredFromCpuMs ?? clock.cpuMs())
      history.flush()
      progress()
      return this.result(ends, Math.max(0, cpuMs + this.remoteCpuMs - this.collector.spunMs))
    } catch (error) {
      stop.abort()
      await Promise.allSettled(shards.map((shard) => shard.discard()))
      throw error
    } finally {
      cancelProgress?.()
      signal?.removeEventListener('abort', onStop)
      await Promise.allSettled(this.workers.map((worker) => worker.close()))
    }
  }

  private async openShards(signal: AbortSignal): Promise<LoadShard[]> {
    const { options, scenario } = this.commission
    this.environments.push(environmentOf('local'))
    if (options.at.length > 0) return this.openRemote(signal)
    const moment = momentNow()
    return Array.from({ length: options.threads }, (_, index) => {
      const thread: ThreadPlan = { plan: this.plan, shard: { index, count: options.threads }, moment }
      const name = { machine: 'local', threadIndex: index }
      const onSnapshot = (snapshot: Snapshot): void => this.receive(name, snapshot)
      return options.threads === 1
        ? shardHere(thread, options.clock, signal, onSnapshot, scenario)
        : shardInThread(thread, signal, onSnapshot)
    })
  }

  private async openRemote(signal: AbortSignal): Promise<LoadShard[]> {
    const { at, threads } = this.commission.options
    const count = at.length * threads
    const opened = await Promise.allSettled(
      at.map((address) => connectWorker(address, signal)),
    )
    for (const each of opened) if (each.status === 'fulfilled') this.workers.push(each.value)
    for (const each of opened) if (each.status === 'rejected') throw each.reason
    return this.workers.flatMap((worker, machineIndex) => {
      this.environments.push(worker.environment)
      return worker.openShards({
        plan: this.plan,
        firstShard: machineIndex * threads,
        threads,
        shardCount: count,
        onSnapshot: (threadIndex, snapshot) =>
          this.receive({ machine: worker.name, threadIndex }, snapshot),
        onCpu: (cpuMs) => {
          this.remoteCpuMs += cpuMs
        },
        onLost: (sentence) => {
          this.missing.push(sentence)
        },
      })
    })
  }

  private receive(name: ShardName, snapshot: Snapshot): void {
    this.collector.add(name, snapshot)
    const endMs = snapshot.atMs + snapshot.lengthMs
    this.elapsedMs = Math.max(this.elapsedMs, endMs)
    if (endMs > -500) this.measuredFromCpuMs ??= this.commission.options.clock.cpuMs()
    this.backlogs.set(`${name.machine} ${name.threadIndex}`, snapshot.backlogCount)
    this.droppedCount += snapshot.droppedCount
    for (const step of snapshot.steps) this.recent.addSparse(step.due)
  }

  /** Reports what has come since the last report. */
  private progressOf(onProgress: ((progress: RunProgress) => void) | undefined): () => void {
    const { clock } = this.commission.options
    let lastCount = 0
    let lastAtMs = clock.monotonicMs()
    this.elapsedMs = -this.plan.warmupMs
    return () => {
      const nowMs = clock.monotonicMs()
      const { answerCount, noAnswerCount, errorCount } = this.collector
      const sinceMs = Math.max(1, nowMs - lastAtMs)
      const answersPerSecond = Math.round(((answerCount - lastCount) * 1_000) / sinceMs)
      lastCount = answerCount
      lastAtMs = nowMs
      let backlogCount = 0
      for (const count of this.backlogs.values()) backlogCount += count
      onProgress?.({
        scenario: this.commission.name,
        elapsedMs: this.elapsedMs,
        durationMs: this.plan.durationMs,
        answerCount,
        answersPerSecond,
        noAnswerCount,
        errorCount,
        dueMs: this.recent.summary(),
        backlogCount,
        droppedCount: this.droppedCount,
        counters: this.collector.counterSums(),
      })
      this.recent.clear()
    }
  }

  private result(ends: readonly ThreadEnd[], cpuMs: number): RunResult {
    const { collector, plan, missing } = this
    const { name, options } = this.commission
    const { ended, startedAtMs, elapsedMs } = joinEnds(ends, isEndless(plan))
    for (const { fault } of ends) if (fault !== undefined) missing.push(fault)
    const { answerCount, noAnswerCount, errorCount } = collector
    const arrivals = collector.arrivals()
    const threads = collector.threadResults()
    const steps = collector.stepResults()
    const result: RunResult = {
      version: RUN_RESULT_VERSION,
      generatorVersion: GENERATOR_VERSION,
      scenario: name,
      url: plan.url,
      startedAtMs,
      ended,
      isComplete: missing.length === 0,
      missing,
      elapsedMs,
      warmupMs: plan.warmupMs,
      answerCount,
      noAnswerCount,
      errorCount,
      answersPerSecond: elapsedMs > 0 ? (answerCount * 1_000) / elapsedMs : 0,
      arrivals: {
        kind: plan.arrivals.kind,
        isPoisson: isPoisson(plan.arrivals),
        ...arrivals,
      },
      steps,
      series: collector.timeSeries(),
      counters: collector.counterSums(),
      generator: {
        cpuMs,
        answersPerCpuSecond: cpuMs > 0 ? (answerCount * 1_000) / cpuMs : 0,
        threads,
      },
      invalidReasons: [
        ...invalidReasons(threads, arrivals, answerCount + noAnswerCount),
        ...laggedPercentiles(threads, steps),
      ],
      thresholds: [],
      options: optionsInEffect(options, plan),
      environments: this.environments,
    }
    const thresholds = options.thresholds.map((threshold) => judgeThreshold(threshold, result))
    return { ...result, thresholds }
  }
}

/** Whether a run has no end of its own: lasting as long as it was told to is how it completes. */
function isEndless({ source }: RunPlan): boolean {
  return source.kind !== 'preset' || !['chain', 'checkout'].includes(source.name)
}

/** One moment on both clocks. */
export function momentNow(): ThreadPlan['moment'] {
  return { unixMs: Date.now(), hrtimeMs: Number(process.hrtime.bigint()) / 1e6 }
}

/** The steps, when all threads could begin; or the first error. */
async function allReady(shards: readonly LoadShard[]): Promise<readonly string[]> {
  const all = await Promise.all(shards.map((shard) => shard.ready))
  return all[0] ?? []
}
