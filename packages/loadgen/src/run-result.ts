/**
 * What a run amounted to, as plain data: numbers, texts, arrays and records only, so that it
 * survives `structuredClone`, `postMessage` and JSON. Reports and comparisons are made of this and
 * of nothing else.
 *
 * Durations are milliseconds with a fraction, unless a name says otherwise. Warm-up is in none of
 * the numbers.
 */

/** It changes when a field changes its meaning or goes away; new fields do not change it. */
export const RUN_RESULT_VERSION = 2 as const

/** Quantiles of one measure in milliseconds; every value is zero when nothing was measured. */
export interface LatencySummary {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
  readonly mean: number
}

/** One measure over the whole run. */
export interface LatencyResult {
  /** Values recorded. */
  readonly count: number
  readonly summaryMs: LatencySummary
  /**
   * The HDR histogram, V2 compressed, base64, as `hdr-histogram-js` and every other
   * implementation decode it. Values are whole **microseconds** with three significant digits, from
   * 1 us to one hour.
   */
  readonly histogram: string
}

/**
 * How often one outcome occurred: an answer by `status` and `reason`, or no answer (`status` 0,
 * the error's code as `reason`).
 */
export interface OutcomeCount {
  readonly status: number
  readonly reason: string
  readonly count: number
}

/** What one step of the scenario amounted to. */
export interface StepResult {
  readonly step: string
  /** Requests answered, whatever the status. */
  readonly answerCount: number
  /** Requests without an answer: time-outs, cut or refused connections. */
  readonly noAnswerCount: number
  /** Requests that count as errors: no answer, or a status that the scenario did not expect. */
  readonly errorCount: number
  /** Requests in flight that the generator cut off when its run ended: no errors of the target. */
  readonly cutCount: number
  /** Requests that were due and never sent: the backlog was full, or the run ended before their turn. */
  readonly unsentCount: number
  /** Characters of the bodies received. */
  readonly bodyBytes: number
  /**
   * From the moment a request was due to the end of its answer: what a user waits. In a closed loop
   * a request is due when it is sent. One without an answer, or never sent, counts as at least the
   * time-out of a request; one that the generator cut off, as long as it had waited.
   */
  readonly dueLatency: LatencyResult
  /** From the sending to the end of the answer, of those answered: what the service takes. */
  readonly sendLatency: LatencyResult
  /** From due to sent: what the queue for a connection, or a slow generator, adds. */
  readonly sendLag: LatencyResult
  readonly outcomes: readonly OutcomeCount[]
}

/** One interval of one step. */
export interface SeriesStep {
  readonly answerCount: number
  readonly noAnswerCount: number
  readonly errorCount: number
  readonly dueMs: LatencySummary
  readonly sendMs: LatencySummary
}

/** One interval of the run, over all steps. */
export interface SeriesPoint extends SeriesStep {
  /** Begin of the interval, from the begin of the measured part. */
  readonly atMs: number
  /** Its length: shorter than the others only at the end. */
  readonly lengthMs: number
  /** Iterations that became due; in a closed loop, that were begun. */
  readonly arrivalCount: number
  /** Arrivals that are never sent. */
  readonly droppedCount: number
  /** Requests and arrivals that were waiting at the end of the interval. */
  readonly backlogCount: number
  readonly sendLagMs: LatencySummary
  /** CPU time that the generator used, all threads. */
  readonly generatorCpuMs: number
  /** In the order of {@link RunResult.steps}. */
  readonly steps: readonly SeriesStep[]
}

/** The run over time. */
export interface TimeSeries {
  /**
   * Length of an interval: one second for runs up to an hour, whole seconds more for longer ones, so
   * that there are never more than 3,600 points.
   */
  readonly intervalMs: number
  readonly points: readonly SeriesPoint[]
}

/** What became of the arrivals. In a closed loop every iteration is an arrival. */
export interface ArrivalResult {
  /** `closed`, `constant`, `ramp`, `step`, `spike`, `trace`. */
  readonly kind: string
  readonly isPoisson: boolean
  /** Iterations that became due. */
  readonly dueCount: number
  readonly startedCount: number
  readonly completedCount: number
  /** Due and never sent. */
  readonly droppedCount: number
  /**
   * Of those dropped: still waiting when the run ended. The others found the backlog full, and the run
   * is INVALID.
   */
  readonly leftOverCount: number
  /** Begun, but not complete when the run ended. */
  readonly unfinishedCount: number
  readonly backlogCountMax: number
  /**
   * How far the gaps between arrivals, as they were taken up, are from those that were due: the largest difference of
   * the shares below any gap (Kolmogorov and Smirnov), 0 to 1; 0 in a closed loop.
   */
  readonly gapDistance: number
}

/** What one thread of the generator had to work with. */
export interface GeneratorThread {
  /** `local`, or the address of the worker. */
  readonly machine: string
  readonly threadIndex: number
  readonly elapsedMs: number
  /** CPU time of the thread; undefined where Node cannot tell (before 24). */
  readonly cpuMs: number | undefined
  /** Share of the time in which the event loop was not idle, 0 to 1. */
  readonly loopUtilization: number
  /**
   * Share of the time in which the thread could have run but had no CPU, 0 to 1; undefined where the
   * system does not tell (only Linux does).
   */
  readonly starvedShare: number | undefined
  /** How late the event loop was, for something due every 10 ms whatever it does. */
  readonly loopLagMs: LatencySummary
  /** How late arrivals were taken up, before any wait for a connection; zeros in a closed loop. */
  readonly arrivalLagMs: LatencySummary
  /** Seconds in which the thread had no CPU time left: a core at 95 % or more. */
  readonly busySecondCount: number
  readonly secondCount: number
}

/** Why a result must not be believed. */
export type InvalidCode =
  | 'arrivals_dropped'
  | 'cpu_limit'
  | 'cpu_starved'
  | 'loop_lag'
  | 'arrival_lag'
  | 'lag_in_percentile'
  | 'nothing_measured'

/** One reason why the run is INVALID, with a sentence and its numbers. */
export interface InvalidReason {
  readonly code: InvalidCode
  readonly sentence: string
}

/** Whether the generator itself was the bottleneck. */
export interface GeneratorResult {
  /** CPU time of all processes of the generator, user and system, but for waiting for the next arrival. */
  readonly cpuMs: number
  readonly answersPerCpuSecond: number
  readonly threads: readonly GeneratorThread[]
}

/** One threshold and what it met. */
export interface ThresholdResult {
  /** As it was given, `purchase.p99<50ms`. */
  readonly text: string
  readonly isMet: boolean
  /** What was measured, in the threshold's own unit; undefined when there was nothing to measure. */
  readonly measured: number | undefined
  /** `purchase.p99 is 61.2 ms, not below 50 ms`. */
  readonly sentence: string
}

/**
 * Why a run ended. `completed`: it lasted as long as it was told to, or had nothing more to do.
 */
export type RunEnd =
  | 'completed'
  | 'sold_out'
  | 'sale_changed'
  | 'demand_exhausted'
  | 'time_limit'
  | 'stopped'
  | 'target_unreachable'

/** Where the generator ran. */
export interface RunEnvironment {
  readonly machine: string
  readonly node: string
  readonly platform: string
  readonly arch: string
  readonly cpuModel: string
  readonly cpuCount: number
  readonly memoryBytes: number
}

/** A value of an option in a result. */
export type OptionValue = string | number | boolean | null | readonly string[]

/** See the head of this file. */
export interface RunResult {
  readonly version: typeof RUN_RESULT_VERSION
  /** Version of this package. */
  readonly generatorVersion: string
  /** Name of the preset, or path of the scenario's file. */
  readonly scenario: string
  /** Origin of the target. */
  readonly url: string
  /** Unix milliseconds of the begin of the measured part. */
  readonly startedAtMs: number
  readonly ended: RunEnd
  /** False when a worker was lost: its part is missing from every number. */
  readonly isComplete: boolean
  /** What is missing, in sentences; empty when the run is complete. */
  readonly missing: readonly string[]
  /** Begin of the measured part to the last answer. */
  readonly elapsedMs: number
  readonly warmupMs: number
  readonly answerCount: number
  readonly noAnswerCount: number
  readonly errorCount: number
  readonly answersPerSecond: number
  readonly arrivals: ArrivalResult
  readonly steps: readonly StepResult[]
  readonly series: TimeSeries
  /** What the scenario counted, by name; for instance `purchased`, `reserved`. */
  readonly counters: Readonly<Record<string, number>>
  readonly generator: GeneratorResult
  /** Empty when the measurement can be believed; otherwise the run is INVALID. */
  readonly invalidReasons: readonly InvalidReason[]
  readonly thresholds: readonly ThresholdResult[]
  /** Every option as it was in effect, by its name on the command line. */
  readonly options: Readonly<Record<string, OptionValue>>
  /** One for each machine, this one first. */
  readonly environments: readonly RunEnvironment[]
}
