import { Latency } from '../latency.ts'
import type { LatencySummary, OutcomeCount } from '../run-result.ts'
import type { ScenarioEnd, ScenarioProgress } from '../scenario/scenario.ts'
import { StepCounts } from '../step-counts.ts'
import { ANSWERED, type Exchange } from './exchange.ts'

/** Why a run ended. */
export type RunEnd = ScenarioEnd | 'time_limit' | 'stopped' | 'target_unreachable'

/** How far a run has come; given once a second. */
export interface RunProgress extends ScenarioProgress {
  readonly elapsedMs: number
  readonly answerCount: number
  /** Answers a second since the last report. */
  readonly answersPerSecond: number
  /** Requests without an answer: time-outs, cut or refused connections. */
  readonly noAnswerCount: number
}

/** What one step of the scenario amounted to. Latency is of answers, from the sending. */
export interface StepResult {
  readonly step: string
  readonly answerCount: number
  readonly latencyMs: LatencySummary
  /** Answers by status and reason; status 0 is no answer, by error code. */
  readonly outcomes: readonly OutcomeCount[]
}

/** What a run amounted to, whatever its scenario. */
export interface RunMeasurement {
  readonly ended: RunEnd
  /** First request sent to last answer received, in milliseconds. */
  readonly elapsedMs: number
  readonly answerCount: number
  readonly answersPerSecond: number
  /** CPU time of this process during the run, in milliseconds. */
  readonly clientCpuMs: number
  /** Reading of the monotonic clock when the first request was sent. */
  readonly firstSentMs: number
  readonly steps: readonly StepResult[]
}

/** Latencies and outcomes of every step, in constant memory. */
export class StepTally {
  answerCount = 0
  noAnswerCount = 0
  private readonly steps: readonly {
    readonly step: string
    readonly latency: Latency
    readonly counts: StepCounts
  }[]

  constructor(steps: readonly string[]) {
    this.steps = steps.map((step) => ({
      step,
      latency: new Latency(),
      counts: new StepCounts(),
    }))
  }

  /** Counts the end of a request. */
  add(exchange: Exchange): void {
    const step = this.steps[exchange.step]
    if (step === undefined) throw new RangeError(`the scenario has no step ${exchange.step}`)
    step.counts.add(exchange.status, exchange.reason)
    if (exchange.outcome === ANSWERED) {
      this.answerCount++
      step.latency.record(exchange.dueAtMs, exchange.endedAtMs)
    } else {
      this.noAnswerCount++
    }
  }

  results(): StepResult[] {
    return this.steps.map(({ step, latency, counts }) => {
      const outcomes = counts.list()
      const answers = outcomes.filter(({ status }) => status !== 0)
      return {
        step,
        answerCount: answers.reduce((sum, { count }) => sum + count, 0),
        latencyMs: latency.summary(),
        outcomes,
      }
    })
  }
}
