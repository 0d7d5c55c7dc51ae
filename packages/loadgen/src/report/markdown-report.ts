import { violationLines } from '../invariants/violation-text.ts'
import type { LatencyResult, RunResult } from '../run-result.ts'
import { unansweredNote } from '../unanswered.ts'
import { escapeMarkdown } from './escape-markdown.ts'
import { durationText, millis, share, significant, whole } from './number-text.ts'
import { paceOf } from './pace.ts'
import type { RunReport } from './run-report.ts'
import type { VerdictWord } from './verdict.ts'

const TITLES: Readonly<Record<VerdictWord, string>> = {
  passed: 'passed',
  measured: 'measured',
  fault: 'not completed',
  invalid: 'INVALID',
  violated: 'VIOLATED',
  unreachable: 'target unreachable',
  unproved: 'nothing proved',
  threshold: 'threshold not met',
}

/** Violations shown in a comment; the other reports have more. */
const VIOLATIONS_MAX = 10

/** A report for a pull request: the verdict, what failed, latencies; the rest folded away. */
export function markdownReport(report: RunReport): string {
  const { run, verification, verdict } = report
  const subject = run === null ? 'verification' : `${run.scenario} against ${run.url}`
  const lines = [
    `### Load test ${TITLES[verdict.word]}: ${escapeMarkdown(subject)}`,
    '',
    ...verdict.sentences.map((sentence) => `- ${escapeMarkdown(sentence)}`),
    '',
  ]
  if (run !== null) lines.push(...measurement(run))
  if (verification !== null && !verification.ok) {
    const evidence = verification.violations.slice(0, VIOLATIONS_MAX)
    lines.push(
      '<details open><summary>Violations</summary>',
      '',
      ...evidence.flatMap((violation) => [
        `- \`${violation.kind}\``,
        ...violationLines(violation).map((line) => `  - ${escapeMarkdown(line.trim())}`),
      ]),
      '',
      '</details>',
      '',
    )
  }
  if (run !== null) lines.push(...origin(run))
  return `${lines.join('\n').trimEnd()}\n`
}

function measurement(run: RunResult): string[] {
  const requests = run.answerCount + run.noAnswerCount
  const isClosed = run.arrivals.kind === 'closed'
  const heads = ['p50', 'p99', 'p99.9', 'max']
  const due = heads.map((head) => (isClosed ? head : `${head} due`))
  const sent = isClosed ? [] : heads.map((head) => `${head} sent`)
  const columns = ['step', 'answers', 'errors', ...due, ...sent]
  const pace = paceOf(run)
  const early = pace === undefined ? '' : `${significant(pace.perSecond)} answers/s in the first ${durationText(pace.untilMs)}, then a wait for reservations of others: `
  const lines = [
    `${early}${significant(run.answersPerSecond)} answers/s over ${durationText(run.elapsedMs)}, ` +
      `${share(requests === 0 ? 0 : run.errorCount / requests)} errors. Latency in ms` +
      (isClosed
        ? ', from the sending (closed loop).'
        : ', from the due time and from the sending.'),
    '',
    `| ${columns.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(columns.length - 1)}`,
    ...run.steps.map((step) => {
      const counts = [whole(step.answerCount), whole(step.errorCount)]
      const rest = isClosed ? [] : latencyCells(step.sendLatency)
      return `| ${[escapeMarkdown(step.step), ...counts, ...latencyCells(step.dueLatency), ...rest].join(' | ')} |`
    }),
    '',
    ...unansweredNote(run).flatMap((sentence) => [sentence, '']),
  ]
  if (run.thresholds.length === 0) return lines
  return [
    ...lines,
    '| threshold | result | |',
    '| --- | --- | --- |',
    ...run.thresholds.map(
      ({ text, isMet, sentence }) =>
        `| ${escapeMarkdown(text)} | ${isMet ? 'met' : '**not met**'} | ${escapeMarkdown(sentence)} |`,
    ),
    '',
  ]
}

function latencyCells({ count, summaryMs }: LatencyResult): string[] {
  const { p50, p99, p999, max } = summaryMs
  return [p50, p99, p999, max].map((ms) => (count === 0 ? '-' : millis(ms)))
}

function origin(run: RunResult): string[] {
  const outcomes = run.steps.flatMap(({ step, outcomes: all }) =>
    all.map(
      ({ status, reason, count }) =>
        `| ${escapeMarkdown(step)} | ${status === 0 ? 'no answer:' : status} ${escapeMarkdown(reason)} | ${whole(count)} |`,
    ),
  )
  const options = Object.entries(run.options).map(
    ([name, value]) => `--${name} ${Array.isArray(value) ? value.join(',') : String(value)}`,
  )
  const machines = run.environments.map(
    ({ machine, cpuCount, cpuModel, node }) =>
      `${machine}: ${cpuCount} x ${cpuModel}, Node ${node}`,
  )
  return [
    '<details><summary>Answers, options, environment</summary>',
    '',
    '| step | answer | count |',
    '| --- | --- | ---: |',
    ...outcomes,
    '',
    `Options: ${escapeMarkdown(options.join(' '))}`,
    '',
    ...machines.map((machine) => `- ${escapeMarkdown(machine)}`),
    '',
    '</details>',
  ]
}
