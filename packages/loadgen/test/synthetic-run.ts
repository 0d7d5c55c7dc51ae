import { build, encodeIntoCompressedBase64 } from 'hdr-histogram-js'
import type {
  LatencyResult,
  LatencySummary,
  OutcomeCount,
  RunResult,
  SeriesPoint,
  SeriesStep,
} from '../src/run-result.ts'
import { RUN_RESULT_VERSION } from '../src/run-result.ts'
import { SeededRandom } from '../src/seeded-random.ts'

/** What a synthetic run is like. */
export interface SyntheticRun {
  readonly seed: number
  readonly seconds?: number
  /** Answers of each step in a typical second. Default 300. */
  readonly answersPerSecond?: number
  /** Typical latency in milliseconds. Default 4. */
  readonly medianMs?: number
  /**
   * How much each second's latency resembles the one before: 0 not at all, to below 1. Default
   * 0.5.
   */
  readonly persistence?: number
  /** How much whole seconds differ: deviation of the logarithm of the median. Default 0.08. */
  readonly drift?: number
  /** Share of requests without an answer. Default 0. */
  readonly errorShare?: number
  readonly steps?: readonly string[]
  /** Anything else that the result should say. */
  readonly fields?: Partial<RunResult>
}

/**
 * A run made of random numbers: seconds whose typical latency wanders (an autoregression of the
 * first order) and, in each, log-normal latencies with a heavy tail.
 */
export function syntheticRun(given: SyntheticRun): RunResult {
  const { seconds = 60, answersPerSecond = 300, medianMs = 4, fields = {} } = given
  const { persistence = 0.5, drift = 0.08, errorShare = 0 } = given
  const steps = given.steps ?? ['checkout', 'purchase']
  const random = new SeededRandom(given.seed)
  const whole = steps.map(() => new Measure())
  const points: SeriesPoint[] = []
  let mood = normal(random) * drift
  for (let second = 0; second < seconds; second++) {
    mood = persistence * mood + Math.sqrt(1 - persistence ** 2) * drift * normal(random)
    const all = new Measure()
    const parts = steps.map((_, step) => {
      const part = new Measure()
      const count = Math.round(
        answersPerSecond * Math.exp(-mood / 2) * (0.98 + 0.04 * share(random)),
      )
      for (let i = 0; i < count; i++) {
        if (errorShare > 0 && share(random) < errorShare) {
          for (const measure of [part, all, whole[step]]) measure?.miss()
          continue
        }
        const tail = share(random) < 0.02 ? 1 + 4 * share(random) : 1
        const sendMs = medianMs * (1 + step / 4) * tail * Math.exp(mood + 0.3 * normal(random))
        const lagMs = 0.05 * Math.exp(normal(random))
        for (const measure of [part, all, whole[step]]) measure?.record(sendMs, lagMs)
      }
      return part
    })
    points.push({
      ...seriesStep(all),
      atMs: second * 1_000,
      lengthMs: 1_000,
      arrivalCount: Math.round(all.send.length / steps.length),
      droppedCount: 0,
      backlogCount: 0,
      sendLagMs: summaryOf(all.lag),
      generatorCpuMs: 400 + 100 * share(random),
      steps: parts.map(seriesStep),
    })
  }
  return assemble(given, steps, whole, points, fields)
}

function assemble(
  given: SyntheticRun,
  steps: readonly string[],
  whole: readonly Measure[],
  points: readonly SeriesPoint[],
  fields: Partial<RunResult>,
): RunResult {
  const sum = (of: (measure: Measure) => number): number =>
    whole.reduce((total, measure) => total + of(measure), 0)
  const answerCount = sum((measure) => measure.send.length)
  const noAnswerCount = sum((measure) => measure.noAnswer)
  const elapsedMs = points.length * 1_000
  const arrivals = Math.round(answerCount / steps.length)
  return {
    version: RUN_RESULT_VERSION,
    generatorVersion: '0.0.0',
    scenario: 'chain',
    url: 'http://127.0.0.1:8080',
    startedAtMs: Date.UTC(2026, 10, 22, 12) + given.seed * 60_000,
    ended: 'completed',
    isComplete: true,
    missing: [],
    elapsedMs,
    warmupMs: 2_000,
    answerCount,
    noAnswerCount,
    errorCount: noAnswerCount,
    answersPerSecond: (answerCount * 1_000) / Math.max(1, elapsedMs),
    arrivals: {
      kind: 'constant',
      isPoisson: true,
      dueCount: arrivals,
      startedCount: arrivals,
      completedCount: arrivals,
      droppedCount: 0,
      leftOverCount: 0,
      unfinishedCount: 0,
      backlogCountMax: 3,
      gapDistance: 0.01,
    },
    steps: steps.map((step, i) => stepResult(step, whole[i] ?? new Measure())),
    series: { intervalMs: 1_000, points },
    counters: { purchased: arrivals },
    generator: {
      cpuMs: elapsedMs / 2,
      answersPerCpuSecond: (answerCount * 2_000) / Math.max(1, elapsedMs),
      threads: [
        {
          machine: 'local',
          threadIndex: 0,
          elapsedMs,
          cpuMs: elapsedMs / 2,
          loopUtilization: 0.46,
          starvedShare: 0.01,
          loopLagMs: { p50: 0.1, p90: 0.3, p99: 1.2, p999: 3, max: 6, mean: 0.2 },
          arrivalLagMs: { p50: 0.1, p90: 0.2, p99: 0.9, p999: 2, max: 4, mean: 0.1 },
          busySecondCount: 0,
          secondCount: points.length,
        },
      ],
    },
    invalidReasons: [],
    thresholds: [],
    options: { rate: 300, duration: '60s', connections: 32, seed: given.seed, warmup: '2s' },
    environments: [
      {
        machine: 'bench-1',
        node: '26.10.0',
        platform: 'linux',
        arch: 'x64',
        cpuModel: 'a processor',
        cpuCount: 2,
        memoryBytes: 8 * 2 ** 30,
      },
    ],
    ...fields,
  }
}

class Measure {
  readonly due: number[] = []
  readonly send: number[] = []
  readonly lag: number[] = []
  noAnswer = 0

  record(sendMs: number, lagMs: number): void {
    this.due.push(sendMs + lagMs)
    this.send.push(sendMs)
    this.lag.push(lagMs)
  }

  miss(): void {
    this.noAnswer++
  }
}

function stepResult(step: string, measure: Measure): RunResult['steps'][number] {
  const answerCount = measure.send.length
  const outcomes: OutcomeCount[] = [{ status: 200, reason: '', count: answerCount }]
  if (measure.noAnswer > 0) {
    outcomes.push({ status: 0, reason: 'UND_ERR_HEADERS_TIMEOUT', count: measure.noAnswer })
  }
  return {
    step,
    answerCount,
    noAnswerCount: measure.noAnswer,
    errorCount: measure.noAnswer,
    cutCount: 0,
    unsentCount: 0,
    bodyBytes: answerCount * 36,
    dueLatency: latencyResult(measure.due),
    sendLatency: latencyResult(measure.send),
    sendLag: latencyResult(measure.lag),
    outcomes,
  }
}

function seriesStep(measure: Measure): SeriesStep {
  return {
    answerCount: measure.send.length,
    noAnswerCount: measure.noAnswer,
    errorCount: measure.noAnswer,
    dueMs: summaryOf(measure.due),
    sendMs: summaryOf(measure.send),
  }
}

function latencyResult(valuesMs: readonly number[]): LatencyResult {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 3_600_000_000,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
  })
  for (const ms of valuesMs) histogram.recordValue(Math.max(1, Math.round(ms * 1_000)))
  return {
    count: valuesMs.length,
    summaryMs: summaryOf(valuesMs),
    histogram: encodeIntoCompressedBase64(histogram),
  }
}

/** Exact, to the microsecond. */
function summaryOf(valuesMs: readonly number[]): LatencySummary {
  if (valuesMs.length === 0) return { p50: 0, p90: 0, p99: 0, p999: 0, max: 0, mean: 0 }
  const sorted = Float64Array.from(valuesMs, (ms) => Math.round(ms * 1_000) / 1_000).toSorted()
  const at = (part: number): number => sorted[Math.ceil(part * sorted.length) - 1] ?? 0
  const mean = sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1), mean }
}

function share(random: SeededRandom): number {
  return (random.next() + 0.5) / 0x1_0000_0000
}

function normal(random: SeededRandom): number {
  return Math.sqrt(-2 * Math.log(share(random))) * Math.cos(2 * Math.PI * share(random))
}
