import type { SparseHistogram } from '../latency-histogram.ts'
import type { OutcomeCount } from '../run-result.ts'
import type { RecordedCall } from '../history/call-history.ts'

/** What one step has gathered since the last snapshot. */
export interface StepSnapshot {
  readonly answerCount: number
  readonly noAnswerCount: number
  readonly errorCount: number
  readonly cutCount: number
  readonly unsentCount: number
  readonly bodyBytes: number
  readonly due: SparseHistogram
  readonly sent: SparseHistogram
  readonly lag: SparseHistogram
  readonly outcomes: readonly OutcomeCount[]
}

/** How the generator itself fared since the last snapshot. */
export interface MeterSnapshot {
  readonly elapsedMs: number
  /** CPU time of the thread; undefined where Node cannot tell. */
  readonly cpuMs: number | undefined
  /** Time in which the event loop was not idle. */
  readonly activeMs: number
  /** Time in which the thread could have run but had no CPU; undefined where nobody tells. */
  readonly starvedMs: number | undefined
  /** Time spent turning while nothing was to be done but to wait for the next arrival. */
  readonly spunMs: number
  readonly loopLag: SparseHistogram
  readonly arrivalLag: SparseHistogram
  /** Between one arrival and the next: as they were due, and as they were taken up. */
  readonly dueGaps: SparseHistogram
  readonly takenGaps: SparseHistogram
}

/**
 * What a thread has measured since its last snapshot: plain data that is posted to whoever gathers
 * the run. Warm-up gives snapshots as well, with nothing in them but their counts.
 */
export interface Snapshot {
  /** Begin, from the begin of the measured part; negative in the warm-up. */
  readonly atMs: number
  readonly lengthMs: number
  readonly steps: readonly StepSnapshot[]
  readonly meter: MeterSnapshot
  readonly dueCount: number
  readonly startedCount: number
  readonly completedCount: number
  readonly droppedCount: number
  /** Of those dropped: still waiting at the end. */
  readonly leftOverCount: number
  /** Requests and arrivals waiting now, and the most since the last snapshot. */
  readonly backlogCount: number
  readonly backlogCountMax: number
  /** Begun or due, but not complete now. */
  readonly unfinishedCount: number
  /** All that the program has counted so far, not only since the last snapshot. */
  readonly counters: Readonly<Record<string, number>>
  /** Calls that the ledger must know, or may know. */
  readonly calls: readonly RecordedCall[]
}

/** How a thread's run ended. */
export interface ThreadEnd {
  readonly ended: EngineEnd
  /** Unix milliseconds of the begin of the measured part. */
  readonly startedAtMs: number
  /** Begin of the measured part to the last answer. */
  readonly elapsedMs: number
  /** What a scenario threw, which ended the run. */
  readonly fault?: string
}

/** Why the engine stopped. */
export type EngineEnd =
  | 'completed'
  | 'sold_out'
  | 'sale_changed'
  | 'demand_exhausted'
  | 'time_limit'
  | 'stopped'
  | 'target_unreachable'
