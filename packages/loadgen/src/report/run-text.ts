import { violationLines } from '../invariants/violation-text.ts'
import type { Verification } from '../invariants/verify-ledger.ts'
import type { LatencyResult, RunResult } from '../run-result.ts'
import { durationText, millis, share, significant, whole } from './number-text.ts'
import type { RunReport } from './run-report.ts'

const LATENCY_HEADS = ['answers', 'p50', 'p90', 'p99', 'p99.9', 'max', 'mean']

/** Width of the words before each line. */
const HEAD = 12

/**
 * The report for a terminal: measurement, answers, proof, and the verdict last, where one looks.
 */
export function reportText(report: RunReport): string {
  const { run, verification } = report
  return [
    ...(run === null ? [] : runLines(run)),
    ...(verification === null ? [] : verificationLines(verification)),
    ...verdictLines(report),
    '',
  ].join('\n')
}

function runLines(run: RunResult): string[] {
  const { generator, arrivals } = run
  const requests = run.answerCount + run.noAnswerCount
  const isClosed = arrivals.kind === 'closed'
  const warmup = run.warmupMs > 0 ? `, after ${durationText(run.warmupMs)} of warm-up` : ''
  const counters = Object.entries(run.counters).map(([name, count]) => `${name} ${whole(count)}`)
  const stepWidth = Math.max(HEAD, ...run.steps.map(({ step }) => step.length + 7))
  return [
    `${run.scenario}  ${run.url}`,
    ...field(
      'ended',
      `${run.ended.replaceAll('_', ' ')} in ${durationText(run.elapsedMs)}${warmup}`,
    ),
    ...field('missing', run.missing.join(' ')),
    ...field('arrivals', arrivalWords(run)),
    ...field(
      'rate',
      `${significant(run.answersPerSecond)} answers/s; ${whole(generator.answersPerCpuSecond)} for each CPU-second of the generator`,
    ),
    ...field(
      'errors',
      `${whole(run.errorCount)} of ${whole(requests)} (${share(requests === 0 ? 0 : run.errorCount / requests)})`,
    ),
    ...field('counted', counters.join(', ')),
    '',
    `${(isClosed ? 'latency, ms' : 'ms, from').padEnd(stepWidth)}${LATENCY_HEADS.map(column).join('')}`,
    ...run.steps.flatMap(({ step, dueLatency, sendLatency, sendLag }) =>
      isClosed
        ? [latencyLine(step.padEnd(stepWidth), dueLatency)]
        : [
            latencyLine(`${step} due`.padEnd(stepWidth), dueLatency),
            latencyLine(`${''.padEnd(step.length)} sent`.padEnd(stepWidth), sendLatency),
            latencyLine(`${''.padEnd(step.length)} lag`.padEnd(stepWidth), sendLag),
          ],
    ),
    '',
    `${'step'.padEnd(stepWidth)}${column('count')}  answer`,
    ...run.steps.flatMap(({ step, outcomes }) =>
      outcomes.map(({ status, reason, count }) => {
        const answer = status === 0 ? `none, ${reason}` : `${status} ${reason}`.trimEnd()
        return `${step.padEnd(stepWidth)}${column(whole(count))}  ${answer}`
      }),
    ),
    '',
    ...run.thresholds.flatMap(({ text, isMet, sentence }) =>
      field('threshold', `${isMet ? 'met    ' : 'NOT MET'} ${text}: ${sentence}`),
    ),
  ]
}

function arrivalWords({ arrivals }: RunResult): string {
  const { kind, isPoisson, dueCount, completedCount, droppedCount, unfinishedCount } = arrivals
  const words = [
    `${kind}${isPoisson ? ', Poisson' : ''}: ${whole(dueCount)} ${kind === 'closed' ? 'begun' : 'due'}`,
    `${whole(completedCount)} completed`,
  ]
  if (unfinishedCount > 0) words.push(`${whole(unfinishedCount)} not finished`)
  if (droppedCount > 0) words.push(`${whole(droppedCount)} DROPPED`)
  return words.join(', ')
}

function verificationLines(verification: Verification): string[] {
  const { checked } = verification
  const lines = [
    ...field(
      'checked',
      `${whole(checked.acknowledgedCheckouts)} checkouts and ` +
        `${whole(checked.acknowledgedPurchases)} purchases acknowledged, ` +
        `${whole(checked.unknownCalls)} unknown`,
    ),
    ...field(
      '',
      `${whole(checked.checkoutRows)} checkout rows, ${whole(checked.purchaseRows)} purchase rows, ` +
        `${whole(checked.users)} buyers with at most ${checked.purchasesOfOneUserMax} purchases each`,
    ),
  ]
  for (const [kind, count] of Object.entries(verification.countByKind)) {
    lines.push(`  ${kind}: ${whole(count)}`)
    for (const violation of verification.violations) {
      if (violation.kind === kind)
        lines.push(...violationLines(violation).map((line) => `    ${line}`))
    }
  }
  return lines
}

function verdictLines({ verdict, exitStatus }: RunReport): string[] {
  const word = verdict.word === 'passed' ? 'ok' : verdict.word.toUpperCase()
  const [first, ...others] = verdict.sentences
  return [
    ...field(
      'verdict',
      `${word}: ${first ?? ''}${exitStatus === 0 ? '' : ` (exit status ${exitStatus})`}`,
    ),
    ...others.flatMap((sentence) => field('', sentence)),
  ]
}

function latencyLine(head: string, { count, summaryMs }: LatencyResult): string {
  const { p50, p90, p99, p999, max, mean } = summaryMs
  const cells = [p50, p90, p99, p999, max, mean].map((ms) => (count === 0 ? '-' : millis(ms)))
  return `${head}${[whole(count), ...cells].map(column).join('')}`
}

/** A word and what it is; nothing for what there is not. */
function field(name: string, text: string): string[] {
  return text === '' ? [] : [`${name.padEnd(HEAD)}${text}`]
}

function column(text: string): string {
  return text.padStart(10)
}
