import type { LatencySummary, SeriesPoint, SeriesStep, TimeSeries } from '../run-result.ts'

/** More points than this cannot be told apart in a plot. */
const BUCKETS_MAX = 600

/** A stretch of a run. Rates are per second. */
export interface TimeBucket {
  readonly atMs: number
  readonly lengthMs: number
  readonly answersPerSecond: number
  readonly arrivalsPerSecond: number
  readonly errorsPerSecond: number
  readonly noAnswersPerSecond: number
  readonly droppedPerSecond: number
  readonly backlogCount: number
  /** CPU that the generator used, in cores. */
  readonly generatorCores: number
  /** Undefined where nothing was answered. */
  readonly due: BucketLatency | undefined
  readonly send: BucketLatency | undefined
  readonly lag: BucketLatency | undefined
  readonly steps: readonly {
    readonly due: BucketLatency | undefined
    readonly send: BucketLatency | undefined
  }[]
}

/** Latency of a stretch: the mean of its intervals' medians, the largest of their other figures. */
export type BucketLatency = Pick<LatencySummary, 'p50' | 'p99' | 'max'>

/** The series in at most 600 stretches of equal length. */
export function timeBuckets(series: TimeSeries): TimeBucket[] {
  const { points, intervalMs } = series
  const each = Math.max(1, Math.ceil(points.length / BUCKETS_MAX))
  const parts: SeriesPoint[][] = []
  for (let from = 0; from < points.length; from += each) {
    parts.push(points.slice(from, from + each))
  }
  // The rest of a second after the last answer is no second: its rates would look like an end.
  const last = parts.at(-1)
  const lastMs = last?.reduce((sum, point) => sum + point.lengthMs, 0) ?? 0
  if (last !== undefined && parts.length > 1 && lastMs < (each * intervalMs) / 2) {
    parts.pop()
    parts.at(-1)?.push(...last)
  }
  return parts.map(bucket)
}

function bucket(points: readonly SeriesPoint[]): TimeBucket {
  const sum = (of: (point: SeriesPoint) => number): number =>
    points.reduce((total, point) => total + of(point), 0)
  const lengthMs = sum((point) => point.lengthMs)
  const rate = (of: (point: SeriesPoint) => number): number =>
    lengthMs > 0 ? (sum(of) * 1_000) / lengthMs : 0
  const steps = points[0]?.steps ?? []
  return {
    atMs: points[0]?.atMs ?? 0,
    lengthMs,
    answersPerSecond: rate((point) => point.answerCount),
    arrivalsPerSecond: rate((point) => point.arrivalCount),
    errorsPerSecond: rate((point) => point.errorCount),
    noAnswersPerSecond: rate((point) => point.noAnswerCount),
    droppedPerSecond: rate((point) => point.droppedCount),
    backlogCount: Math.max(...points.map((point) => point.backlogCount)),
    generatorCores: lengthMs > 0 ? sum((point) => point.generatorCpuMs) / lengthMs : 0,
    due: latency(points, (point) => point.dueMs),
    send: latency(points, (point) => point.sendMs),
    lag: latency(points, (point) => point.sendLagMs),
    steps: steps.map((_, i) => {
      const parts = points.flatMap((point) => point.steps[i] ?? [])
      return {
        due: latency(parts, (part) => part.dueMs),
        send: latency(parts, (part) => part.sendMs),
      }
    }),
  }
}

function latency<Part extends SeriesStep>(
  parts: readonly Part[],
  of: (part: Part) => LatencySummary,
): BucketLatency | undefined {
  const answered = parts.filter((part) => part.answerCount > 0)
  if (answered.length === 0) return undefined
  const answers = answered.reduce((sum, part) => sum + part.answerCount, 0)
  return {
    p50: answered.reduce((sum, part) => sum + of(part).p50 * part.answerCount, 0) / answers,
    p99: Math.max(...answered.map((part) => of(part).p99)),
    max: Math.max(...answered.map((part) => of(part).max)),
  }
}
