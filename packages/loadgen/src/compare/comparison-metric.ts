import { LoadgenError } from '../loadgen-error.ts'
import type { LatencySummary, RunResult, StepResult } from '../run-result.ts'

/** A percentile, the mean or the largest of the latencies. */
export type LatencyFigure = keyof LatencySummary

/** Latency from the moment a request was due, or from its sending. */
export type LatencyOrigin = 'due' | 'send'

/** One figure in which runs are compared. */
export type ComparisonMetric =
  /** Answers a second, over all steps. */
  | { readonly kind: 'throughput' }
  /** Share of the requests that were errors, 0 to 1, over all steps. */
  | { readonly kind: 'errors' }
  /** Latency of the answers of one step, in milliseconds. */
  | {
      readonly kind: 'latency'
      readonly step: string
      readonly origin: LatencyOrigin
      readonly figure: LatencyFigure
    }

/** Shares of the percentiles that a summary has. */
export const FIGURE_SHARES = { p50: 0.5, p90: 0.9, p99: 0.99, p999: 0.999 } as const

/** A latency figure that is a percentile. */
export type PercentileFigure = keyof typeof FIGURE_SHARES

/** Whether a figure is a percentile. */
export function isPercentile(figure: LatencyFigure): figure is PercentileFigure {
  return figure in FIGURE_SHARES
}

/** The metric's name as in a threshold: `rate`, `errors`, `purchase.p99`, `purchase.send.p99`. */
export function metricName(metric: ComparisonMetric): string {
  if (metric.kind === 'throughput') return 'rate'
  if (metric.kind === 'errors') return 'errors'
  return `${metric.step}.${metric.origin === 'send' ? 'send.' : ''}${figureName(metric.figure)}`
}

function figureName(figure: LatencyFigure): string {
  return figure === 'p999' ? 'p99.9' : figure
}

/**
 * Reads the name of one or more metrics. A latency without a step (`p99`) means that of every step.
 *
 * @param steps names of the steps that can be compared.
 * @throws LoadgenError `LOADGEN_OPTION_INVALID` when there is no such metric or step.
 */
export function parseMetrics(name: string, steps: readonly string[]): ComparisonMetric[] {
  if (name === 'rate') return [{ kind: 'throughput' }]
  if (name === 'errors') return [{ kind: 'errors' }]
  const found =
    /^(?:(?<step>(?!send\.).+?)\.)?(?:(?<send>send)\.)?(?<figure>p50|p90|p99|p99\.9|p999|max|mean)$/.exec(
      name,
    )?.groups
  if (found === undefined) {
    throw new LoadgenError(
      'LOADGEN_OPTION_INVALID',
      `there is no metric ${name}: rate, errors, or [<step>.][send.] followed by p50, p90, ` +
        'p99, p99.9, max or mean',
    )
  }
  const { step, send, figure: given } = found
  if (step !== undefined && !steps.includes(step)) {
    throw new LoadgenError(
      'LOADGEN_OPTION_INVALID',
      `no step ${step} in both runs: ${steps.join(', ') || 'they have no step in common'}`,
    )
  }
  const figure = (given === 'p99.9' ? 'p999' : given) as LatencyFigure
  const origin = send === undefined ? 'due' : 'send'
  const names = step === undefined ? steps : [step]
  return names.map((one) => ({ kind: 'latency', step: one, origin, figure }))
}

/**
 * The metric over a whole run, or undefined when nothing was measured. Exact: from the histograms.
 */
export function wholeRunValue(run: RunResult, metric: ComparisonMetric): number | undefined {
  const requests = run.answerCount + run.noAnswerCount
  switch (metric.kind) {
    case 'throughput':
      return requests === 0 ? undefined : run.answersPerSecond
    case 'errors':
      return requests === 0 ? undefined : run.errorCount / requests
    default: {
      const step = stepOf(run, metric.step)
      const latency = metric.origin === 'due' ? step?.dueLatency : step?.sendLatency
      return latency === undefined || latency.count === 0
        ? undefined
        : latency.summaryMs[metric.figure]
    }
  }
}

/** Whether more of it is better. */
export function isMoreBetter(metric: ComparisonMetric): boolean {
  return metric.kind === 'throughput'
}

function stepOf(run: RunResult, name: string): StepResult | undefined {
  return run.steps.find((step) => step.step === name)
}
