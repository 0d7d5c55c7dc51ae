import { build, decodeFromCompressedBase64, type Histogram } from 'hdr-histogram-js'
import { timeoutMsOf, unansweredOf } from '../unanswered.ts'
import { LATENCY_MAX_US } from '../latency-histogram.ts'
import { LoadgenError } from '../loadgen-error.ts'
import type { RunResult, StepResult, ThresholdResult } from '../run-result.ts'

/**
 * A bound that a run must keep.
 *
 * ```text
 * [<step>.][send.|lag.]<metric> < | <= | > | >= <value>[ms | s | % | /s]
 *
 * purchase.p99<50ms   errors<0.1%   rate>=2000/s   send.p99.9<20ms   counter.purchased>=10000
 * ```
 *
 * `p50` to `p99.999`, `max` and `mean` are latencies from the due time, unless `send.` or `lag.`
 * stands before them, with their unit. `errors` is a share with `%`, a number
 * without. `rate` is answers a second. `counter.<name>` is what the scenario has counted.
 */
export interface Threshold {
  readonly text: string
  readonly step: string | undefined
  readonly measure: 'due' | 'send' | 'lag'
  readonly metric: string
  readonly operator: '<' | '<=' | '>' | '>='
  /** Milliseconds, a share from 0 to 1, answers a second, or a number. */
  readonly bound: number
  readonly unit: 'ms' | '%' | '/s' | ''
}

const FORM = /^(.+?)(<=|>=|<|>)(\d+(?:\.\d+)?)(ms|s|%|\/s)?$/
const LATENCY_METRIC = /^(?:p\d{1,2}(?:\.\d{1,3})?|p999|p100|max|mean)$/

/** @throws LoadgenError `LOADGEN_OPTION_INVALID` for a text that is no threshold. */
export function parseThreshold(text: string): Threshold {
  const found = FORM.exec(text.replaceAll(/\s/g, ''))
  if (found === null) throw invalid(text, 'it has the form purchase.p99<50ms')
  const [, left = '', operator = '<', value = '', given = ''] = found
  const { step, measure, metric } = parseLeft(left)
  const isLatency = LATENCY_METRIC.test(metric)
  if (isLatency && given === '') {
    throw invalid(text, `a time has a unit: ${left}${operator}${value}ms or ${left}${operator}${value}s`)
  }
  const unit = isLatency ? 'ms' : metric === 'rate' ? '/s' : given
  const isFitting = isLatency
    ? given === 'ms' || given === 's'
    : metric === 'rate'
      ? given === '' || given === '/s'
      : metric === 'errors'
        ? given === '' || given === '%'
        : metric.startsWith('counter.') && given === ''
  if (!isFitting || (measure !== 'due' && !isLatency)) {
    throw invalid(text, 'p50 to p99.999, max, mean, errors, rate and counter.<name> are known')
  }
  const scale = given === 's' ? 1_000 : given === '%' ? 0.01 : 1
  return {
    text,
    step,
    measure,
    metric,
    operator: operator as Threshold['operator'],
    bound: Number(value) * scale,
    unit: unit as Threshold['unit'],
  }
}

/** Whether a run keeps a threshold. What was not measured does not keep it. */
export function judgeThreshold(threshold: Threshold, result: RunResult): ThresholdResult {
  const { text, step, measure, operator, bound, unit } = threshold
  const steps = result.steps.filter((each) => step === undefined || each.step === step)
  const measured = step !== undefined && steps.length === 0 ? undefined : read(threshold, steps, result)
  const isMet = measured !== undefined && compare(measured, operator, bound)
  const what = text.split(/[<>]/, 1)[0]?.trim() ?? text
  const sentence =
    measured === undefined
      ? `${what} was not measured`
      : `${what} is ${show(measured, unit)}, ${isMet ? '' : 'not '}${operator} ${show(bound, unit)}` +
        (unit === 'ms' && measure !== 'lag' ? unansweredOf(steps) : '')
  return { text, isMet, measured: shown(measured, unit), sentence }
}

function parseLeft(left: string): Pick<Threshold, 'step' | 'measure' | 'metric'> {
  const metric = /(?:^|\.)(counter\..+|p\d{1,3}(?:\.\d{1,3})?|[a-z]+)$/.exec(left)?.[1] ?? ''
  const before = left.slice(0, left.length - metric.length).replace(/\.$/, '')
  const found = /^(?:(.*?)\.)?(send|lag)$/.exec(before)
  if (found !== null) {
    return { step: found[1], measure: found[2] === 'send' ? 'send' : 'lag', metric }
  }
  return { step: before === '' ? undefined : before, measure: 'due', metric }
}

function read(
  { measure, metric, unit }: Threshold,
  steps: readonly StepResult[],
  result: RunResult,
): number | undefined {
  if (metric.startsWith('counter.')) return result.counters[metric.slice('counter.'.length)]
  const answers = sum(steps, (step) => step.answerCount)
  const requests = answers + sum(steps, (step) => step.noAnswerCount)
  if (requests === 0) return undefined
  if (metric === 'rate') return result.elapsedMs > 0 ? (answers * 1_000) / result.elapsedMs : 0
  if (metric === 'errors') {
    const errors = sum(steps, (step) => step.errorCount)
    if (unit !== '%') return errors
    return errors / requests
  }
  const latencies = steps.map((step) => latencyOf(step, measure))
  // From due the unanswered are in the histogram; from the sending they have to be counted here.
  const unanswered = measure === 'send' ? sum(steps, (step) => step.noAnswerCount) : 0
  if (unanswered + sum(latencies, ({ count }) => count) === 0) return undefined
  const timeoutMs = unanswered > 0 ? timeoutMsOf(result) : 0
  // A histogram knows values to three digits, the summary the largest exactly.
  const maxMs = Math.max(timeoutMs, ...latencies.map(({ summaryMs }) => summaryMs.max))
  if (metric === 'max') return maxMs
  const histogram = merged(latencies.map((latency) => latency.histogram))
  if (unanswered > 0) histogram.recordValueWithCount(Math.max(1, Math.round(timeoutMs * 1_000)), unanswered)
  if (metric === 'mean') return histogram.mean / 1_000
  const digits = metric === 'p999' ? '99.9' : metric.slice(1)
  return Math.min(histogram.getValueAtPercentile(Number(digits)) / 1_000, maxMs)
}

function latencyOf(step: StepResult, measure: Threshold['measure']): StepResult['dueLatency'] {
  if (measure === 'due') return step.dueLatency
  return measure === 'send' ? step.sendLatency : step.sendLag
}

function merged(encoded: readonly string[]): Histogram {
  const sumOfAll = build({
    highestTrackableValue: LATENCY_MAX_US,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
  })
  for (const text of encoded) sumOfAll.add(decodeFromCompressedBase64(text, 64))
  return sumOfAll
}

function sum<Part>(parts: readonly Part[], of: (part: Part) => number): number {
  return parts.reduce((total, part) => total + of(part), 0)
}

function compare(value: number, operator: Threshold['operator'], bound: number): boolean {
  switch (operator) {
    case '<':
      return value < bound
    case '<=':
      return value <= bound
    case '>':
      return value > bound
    default:
      return value >= bound
  }
}

function shown(value: number | undefined, unit: Threshold['unit']): number | undefined {
  return value === undefined || unit !== '%' ? value : value * 100
}

function show(value: number, unit: Threshold['unit']): string {
  const number = Number((unit === '%' ? value * 100 : value).toFixed(3)).toString()
  return unit === '' ? number : `${number} ${unit}`
}

function invalid(text: string, why: string): LoadgenError {
  return new LoadgenError('LOADGEN_OPTION_INVALID', `${text} is no threshold: ${why}`)
}
