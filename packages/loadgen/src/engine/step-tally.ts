import { LatencyHistogram } from '../latency-histogram.ts'
import { StepCounts } from '../step-counts.ts'
import { ANSWERED, CUT_BY_GENERATOR, type Exchange, NEVER_SENT, NOT_SENT } from './exchange.ts'
import type { StepSnapshot } from './snapshot.ts'

/** What one step has gathered since the last snapshot, in constant memory. */
export class StepTally {
  private answerCount = 0
  private noAnswerCount = 0
  private errorCount = 0
  private cutCount = 0
  private unsentCount = 0
  private bodyBytes = 0
  private counts = new StepCounts()
  private readonly due = new LatencyHistogram()
  private readonly sent = new LatencyHistogram()
  private readonly lag = new LatencyHistogram()

  /**
   * Counts the end of a request. Without an answer its wait has no end: from due it counts as at least
   * `requestTimeoutMs`, however soon it broke, or percentiles would be those of the lucky. One that the
   * generator cut off counts as long as it had waited: more is not known.
   */
  add(exchange: Exchange, requestTimeoutMs: number): void {
    const { outcome, reason, dueAtMs, sentAtMs, endedAtMs } = exchange
    this.counts.add(exchange.status, reason)
    if (exchange.isError) this.errorCount++
    if (outcome !== NOT_SENT) this.lag.record(sentAtMs - dueAtMs)
    const waitedMs = endedAtMs - dueAtMs
    if (outcome === ANSWERED) {
      this.answerCount++
      this.bodyBytes += exchange.bodyBytes
      this.due.record(waitedMs)
      this.sent.record(endedAtMs - sentAtMs)
    } else if (reason === CUT_BY_GENERATOR) {
      this.cutCount++
      this.due.record(waitedMs)
    } else {
      this.noAnswerCount++
      this.due.record(Math.max(waitedMs, requestTimeoutMs))
    }
  }

  /** Counts a request that was due so long ago and is never sent. */
  addUnsent(waitedMs: number): void {
    this.unsentCount++
    this.counts.add(0, NEVER_SENT)
    this.due.record(waitedMs)
  }

  take(): StepSnapshot {
    const taken = {
      answerCount: this.answerCount,
      noAnswerCount: this.noAnswerCount,
      errorCount: this.errorCount,
      cutCount: this.cutCount,
      unsentCount: this.unsentCount,
      bodyBytes: this.bodyBytes,
      due: this.due.takeSparse(),
      sent: this.sent.takeSparse(),
      lag: this.lag.takeSparse(),
      outcomes: this.counts.list(),
    }
    this.answerCount = 0
    this.noAnswerCount = 0
    this.errorCount = 0
    this.cutCount = 0
    this.unsentCount = 0
    this.bodyBytes = 0
    this.counts = new StepCounts()
    return taken
  }
}
