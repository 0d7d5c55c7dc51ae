import type { Snapshot } from '../engine/snapshot.ts'
import type { RecordedCall } from '../history/call-history.ts'
import { LatencyHistogram } from '../latency-histogram.ts'
import type { ArrivalResult, GeneratorThread, StepResult } from '../run-result.ts'
import { StepCounts } from '../step-counts.ts'
import { ThreadEvidence } from './thread-evidence.ts'
import { TimeSeriesBuilder } from './time-series-builder.ts'

/** Which thread a snapshot comes from. */
export interface ShardName {
  /** `local`, or the address of a worker. */
  readonly machine: string
  readonly threadIndex: number
}

/** One step over the whole run. */
class StepTotal {
  answerCount = 0
  noAnswerCount = 0
  errorCount = 0
  cutCount = 0
  unsentCount = 0
  bodyBytes = 0
  readonly due = new LatencyHistogram()
  readonly sent = new LatencyHistogram()
  readonly lag = new LatencyHistogram()
  readonly counts = new StepCounts()
}

/**
 * Adds up the snapshots of all threads, in memory that does not grow with the length of the run
 * beyond the bounded time series.
 */
export class RunCollector {
  answerCount = 0
  noAnswerCount = 0
  errorCount = 0
  private readonly steps: readonly string[]
  private readonly totals: readonly StepTotal[]
  private readonly series: TimeSeriesBuilder
  private readonly threads = new Map<string, ThreadEvidence>()
  private readonly counters = new Map<string, Readonly<Record<string, number>>>()
  private readonly backlogs = new Map<string, number>()
  private readonly unfinished = new Map<string, number>()
  /** Begun in the warm-up and not complete at its end: they complete in the measured part. */
  private readonly carried = new Map<string, number>()
  private readonly onCall: (call: RecordedCall) => void
  private dueCount = 0
  private startedCount = 0
  private completedCount = 0
  private droppedCount = 0
  private leftOverCount = 0
  private backlogCountMax = 0
  /** CPU time that threads spent only waiting for the next arrival. */
  spunMs = 0
  private readonly dueGaps = new LatencyHistogram()
  private readonly takenGaps = new LatencyHistogram()

  constructor(
    steps: readonly string[],
    durationMs: number,
    onCall: (call: RecordedCall) => void,
  ) {
    this.steps = steps
    this.totals = steps.map(() => new StepTotal())
    this.series = new TimeSeriesBuilder(steps.length, durationMs)
    this.onCall = onCall
  }

  /** Adds what one thread has measured. */
  add(name: ShardName, snapshot: Snapshot): void {
    const key = `${name.machine} ${name.threadIndex}`
    for (const call of snapshot.calls) this.onCall(call)
    this.counters.set(key, snapshot.counters)
    this.unfinished.set(key, snapshot.unfinishedCount)
    if (snapshot.atMs + snapshot.lengthMs / 2 < 0) {
      this.carried.set(key, snapshot.unfinishedCount)
      return
    }
    this.addCounts(key, snapshot)
    for (const [index, step] of snapshot.steps.entries()) {
      const total = this.totals[index]
      if (total === undefined) throw new RangeError(`a thread has more steps than the run`)
      this.answerCount += step.answerCount
      this.noAnswerCount += step.noAnswerCount
      this.errorCount += step.errorCount
      total.answerCount += step.answerCount
      total.noAnswerCount += step.noAnswerCount
      total.errorCount += step.errorCount
      total.cutCount += step.cutCount
      total.unsentCount += step.unsentCount
      total.bodyBytes += step.bodyBytes
      total.due.addSparse(step.due)
      total.sent.addSparse(step.sent)
      total.lag.addSparse(step.lag)
      for (const { status, reason, count } of step.outcomes) total.counts.add(status, reason, count)
    }
    this.series.add(key, snapshot)
    this.evidenceOf(name).add(snapshot.meter)
    this.spunMs += snapshot.meter.spunMs
    this.dueGaps.addSparse(snapshot.meter.dueGaps)
    this.takenGaps.addSparse(snapshot.meter.takenGaps)
  }

  stepResults(): StepResult[] {
    return this.totals.map((total, index) => ({
      step: this.steps[index] ?? '',
      answerCount: total.answerCount,
      noAnswerCount: total.noAnswerCount,
      errorCount: total.errorCount,
      cutCount: total.cutCount,
      unsentCount: total.unsentCount,
      bodyBytes: total.bodyBytes,
      dueLatency: total.due.result(),
      sendLatency: total.sent.result(),
      sendLag: total.lag.result(),
      outcomes: total.counts.list(),
    }))
  }

  arrivals(): Omit<ArrivalResult, 'kind' | 'isPoisson'> {
    const { dueCount, startedCount, droppedCount, leftOverCount, backlogCountMax } = this
    const completedCount = Math.max(0, this.completedCount - sumOf(this.carried.values()))
    const unfinishedCount = sumOf(this.unfinished.values())
    return {
      dueCount,
      startedCount,
      completedCount,
      droppedCount,
      leftOverCount,
      unfinishedCount,
      backlogCountMax,
      gapDistance: this.dueGaps.distanceTo(this.takenGaps),
    }
  }

  /** Summed over threads. */
  counterSums(): Record<string, number> {
    const sums = new Map<string, number>()
    for (const counters of this.counters.values()) {
      for (const [name, count] of Object.entries(counters)) {
        sums.set(name, (sums.get(name) ?? 0) + count)
      }
    }
    return Object.fromEntries(sums)
  }

  threadResults(): GeneratorThread[] {
    return [...this.threads.values()].map((thread) => thread.result())
  }

  /** All that has been measured, interval by interval. */
  timeSeries(): ReturnType<TimeSeriesBuilder['result']> {
    return this.series.result()
  }

  private addCounts(key: string, snapshot: Snapshot): void {
    this.dueCount += snapshot.dueCount
    this.startedCount += snapshot.startedCount
    this.completedCount += snapshot.completedCount
    this.droppedCount += snapshot.droppedCount
    this.leftOverCount += snapshot.leftOverCount
    this.backlogs.set(key, snapshot.backlogCountMax)
    this.backlogCountMax = Math.max(this.backlogCountMax, sumOf(this.backlogs.values()))
  }

  private evidenceOf(name: ShardName): ThreadEvidence {
    const key = `${name.machine} ${name.threadIndex}`
    const known = this.threads.get(key)
    if (known !== undefined) return known
    const made = new ThreadEvidence(name.machine, name.threadIndex)
    this.threads.set(key, made)
    return made
  }
}

function sumOf(values: Iterable<number>): number {
  let sum = 0
  for (const value of values) sum += value
  return sum
}
