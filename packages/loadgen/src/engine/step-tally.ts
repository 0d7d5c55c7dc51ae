import { LatencyHistogram } from '../latency-histogram.ts'
import { StepCounts } from '../step-counts.ts'
import { ANSWERED, type Exchange } from './exchange.ts'
import type { StepSnapshot } from './snapshot.ts'

/** What one step has gathered since the last snapshot, in constant memory. */
export class StepTally {
  private answerCount = 0
  private noAnswerCount = 0
  private errorCount = 0
  private bodyBytes = 0
  private counts = new StepCounts()
  private readonly due = new LatencyHistogram()
  private readonly sent = new LatencyHistogram()
  private readonly lag = new LatencyHistogram()

  /** Counts the end of a request. */
  add(exchange: Exchange): void {
    this.counts.add(exchange.status, exchange.reason)
    if (exchange.isError) this.errorCount++
    if (exchange.outcome !== ANSWERED) {
      this.noAnswerCount++
      return
    }
    this.answerCount++
    this.bodyBytes += exchange.bodyBytes
    const { dueAtMs, sentAtMs, endedAtMs } = exchange
    this.due.record(endedAtMs - dueAtMs)
    this.sent.record(endedAtMs - sentAtMs)
    this.lag.record(sentAtMs - dueAtMs)
  }

  take(): StepSnapshot {
    const taken = {
      answerCount: this.answerCount,
      noAnswerCount: this.noAnswerCount,
      errorCount: this.errorCount,
      bodyBytes: this.bodyBytes,
      due: this.due.takeSparse(),
      sent: this.sent.takeSparse(),
      lag: this.lag.takeSparse(),
      outcomes: this.counts.list(),
    }
    this.answerCount = 0
    this.noAnswerCount = 0
    this.errorCount = 0
    this.bodyBytes = 0
    this.counts = new StepCounts()
    return taken
  }
}
