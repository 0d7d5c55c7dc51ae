import type { LatencySummary } from './run-result.ts'

/** How far a run has come; given about once a second. */
export interface RunProgress {
  readonly scenario: string
  /** From the begin of the measured part; negative in the warm-up. */
  readonly elapsedMs: number
  /** Longest that the measured part can last. */
  readonly durationMs: number
  readonly answerCount: number
  /** Answers a second since the last report. */
  readonly answersPerSecond: number
  /** Requests without an answer: time-outs, cut or refused connections. */
  readonly noAnswerCount: number
  readonly errorCount: number
  /** Since the last report, from the due time. */
  readonly dueMs: LatencySummary
  readonly backlogCount: number
  readonly droppedCount: number
  /** What the scenario has counted. */
  readonly counters: Readonly<Record<string, number>>
}
