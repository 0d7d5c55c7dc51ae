import type { Snapshot, StepSnapshot } from '../engine/snapshot.ts'
import { LatencyHistogram } from '../latency-histogram.ts'
import type { SeriesPoint, SeriesStep, TimeSeries } from '../run-result.ts'

/** Most points of a series: an hour of seconds. */
const POINTS_MAX = 3_600
/** Intervals that stay open for threads that are late. */
const OPEN_MAX = 5

/** One interval of one step, or of all. */
class OpenStep {
  answerCount = 0
  noAnswerCount = 0
  errorCount = 0
  readonly due = new LatencyHistogram()
  readonly sent = new LatencyHistogram()

  add(step: StepSnapshot): void {
    this.answerCount += step.answerCount
    this.noAnswerCount += step.noAnswerCount
    this.errorCount += step.errorCount
    this.due.addSparse(step.due)
    this.sent.addSparse(step.sent)
  }

  close(): SeriesStep {
    const { answerCount, noAnswerCount, errorCount } = this
    const dueMs = this.due.summary()
    const sendMs = this.sent.summary()
    return { answerCount, noAnswerCount, errorCount, dueMs, sendMs }
  }
}

class OpenPoint {
  readonly all = new OpenStep()
  readonly lag = new LatencyHistogram()
  readonly steps: readonly OpenStep[]
  readonly backlogs = new Map<string, number>()
  endMs = 0
  arrivalCount = 0
  droppedCount = 0
  cpuMs = 0

  constructor(stepCount: number) {
    this.steps = Array.from({ length: stepCount }, () => new OpenStep())
  }
}

/** Makes the time series of a run while it goes on: only the last few intervals are open. */
export class TimeSeriesBuilder {
  private readonly stepCount: number
  private readonly intervalMs: number
  private readonly open = new Map<number, OpenPoint>()
  private readonly closed: SeriesPoint[] = []
  private closedBelow = 0

  constructor(stepCount: number, durationMs: number) {
    this.stepCount = stepCount
    this.intervalMs = Math.max(1, Math.ceil(durationMs / 1_000 / POINTS_MAX)) * 1_000
  }

  /** Adds what one thread has measured in a second, which lies in one interval. */
  add(thread: string, snapshot: Snapshot): void {
    const second = Math.max(0, Math.floor((snapshot.atMs + 500) / 1_000))
    const index = Math.max(this.closedBelow, Math.floor((second * 1_000) / this.intervalMs))
    const point = this.openAt(index)
    for (const [i, step] of snapshot.steps.entries()) {
      point.steps[i]?.add(step)
      point.all.add(step)
      point.lag.addSparse(step.lag)
    }
    point.endMs = Math.max(point.endMs, snapshot.atMs + snapshot.lengthMs)
    point.arrivalCount += snapshot.dueCount
    point.droppedCount += snapshot.droppedCount
    point.cpuMs += snapshot.meter.cpuMs ?? snapshot.meter.activeMs
    point.backlogs.set(thread, snapshot.backlogCount)
  }

  result(): TimeSeries {
    this.closeBelow(Number.POSITIVE_INFINITY)
    return { intervalMs: this.intervalMs, points: this.closed }
  }

  private openAt(index: number): OpenPoint {
    const known = this.open.get(index)
    if (known !== undefined) return known
    const made = new OpenPoint(this.stepCount)
    this.open.set(index, made)
    this.closeBelow(index - OPEN_MAX)
    return made
  }

  private closeBelow(limit: number): void {
    const due = [...this.open.keys()].filter((index) => index < limit).toSorted((a, b) => a - b)
    for (const index of due) {
      const point = this.open.get(index)
      if (point === undefined) continue
      this.open.delete(index)
      this.closedBelow = index + 1
      this.closed.push(this.close(index * this.intervalMs, point))
    }
  }

  private close(atMs: number, point: OpenPoint): SeriesPoint {
    let backlogCount = 0
    for (const count of point.backlogs.values()) backlogCount += count
    return {
      ...point.all.close(),
      atMs,
      lengthMs: Math.max(0, Math.min(this.intervalMs, point.endMs - atMs)),
      arrivalCount: point.arrivalCount,
      droppedCount: point.droppedCount,
      backlogCount,
      sendLagMs: point.lag.summary(),
      generatorCpuMs: point.cpuMs,
      steps: point.steps.map((step) => step.close()),
    }
  }
}
