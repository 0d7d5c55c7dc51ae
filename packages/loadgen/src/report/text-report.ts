import { decodeFromCompressedBase64 } from 'hdr-histogram-js'
import { violationLines } from '../invariants/violation-text.ts'
import type { Verification } from '../invariants/verify-ledger.ts'
import type { LatencyResult, RunResult, StepResult } from '../run-result.ts'
import { unansweredNote } from '../unanswered.ts'
import type { RunReport } from './run-report.ts'
import { paceOf } from './pace.ts'
import { wordsOf } from './html/words-of.ts'
import { hasLedger, isVacuous } from './verdict.ts'

/** A whole report as plain text: the measurement, the proof, and the verdict. */
export function reportText(report: RunReport): string {
  const { run, verification } = report
  return [
    ...(run === null ? [] : [runText(run)]),
    ...(verification === null
      ? []
      : [verificationText(verification, hasLedger(verification) ? 'database' : 'answers')]),
    verdictText(report),
  ].join('\n')
}

/** What it all comes to, with every reason: the last words of a run. */
export function verdictText({ verdict, exitStatus }: RunReport): string {
  const [first = '', ...others] = verdict.sentences
  const lines = [
    `result     ${verdict.word.toUpperCase()} (exit status ${exitStatus}): ${first}`,
    ...others.map((sentence) => `           ${sentence}`),
  ]
  return `${lines.join('\n')}\n`
}

const LATENCY_COLUMNS = ['answers', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'max']

/** The result of a run as plain text for a terminal, a table a step. */
export function runText(result: RunResult): string {
  const { options, arrivals } = result
  const lines = [
    `${result.scenario}  ${result.url}`,
    `load       ${String(options['arrivals'])}, ${String(options['connections'])} connections, ` +
      `${String(options['users'])} users, seed ${String(options['seed'])}`,
    `ended      ${result.ended}${counterWords(result.counters)}`,
    `time       run ${seconds(result.elapsedMs)}`,
    `rate       ${rateWords(result)}; ` +
      `${whole(result.generator.answersPerCpuSecond)} per CPU-second of the generator`,
    `arrivals   ${whole(arrivals.dueCount)} due, ${whole(arrivals.completedCount)} completed, ` +
      `${whole(arrivals.droppedCount)} dropped${leftOverWords(arrivals)}, ${whole(arrivals.unfinishedCount)} unfinished`,
    ...spacingLines(arrivals),
    '',
    `${'step'.padEnd(22)}${LATENCY_COLUMNS.map(column).join('')}  ms`,
    ...result.steps.flatMap(latencyLines),
    ...unansweredNote(result).map((sentence) => `           ${sentence}`),
    '',
    `${'step'.padEnd(10)}${column('count')}  answer`,
    ...result.steps.flatMap(outcomeLines),
    '',
    ...result.missing.map((sentence) => `INCOMPLETE ${sentence}`),
    ...result.invalidReasons.map(({ sentence }) => `INVALID    ${sentence}`),
    ...result.thresholds.map(
      ({ isMet, sentence }) => `threshold  ${isMet ? 'kept' : 'BROKEN'}: ${sentence}`,
    ),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

function rateWords(result: RunResult): string {
  const pace = paceOf(result)
  const overall = `${whole(result.answersPerSecond)} answers/s`
  if (pace === undefined) return overall
  return `${whole(pace.perSecond)} answers/s in the first ${seconds(pace.untilMs)}, ${overall} with the wait for reservations of others`
}

/** The verdict of a comparison with the ledger, with its evidence. */
export function verificationText(
  verification: Verification,
  source: 'database' | 'answers',
): string {
  const { checked } = verification
  const what =
    `${whole(checked.acknowledgedCheckouts)} checkouts and ` +
    `${whole(checked.acknowledgedPurchases)} purchases acknowledged`
  const lines =
    source === 'answers'
      ? [`checked    ${what}; no database was given, so only the answers were compared`]
      : [
          `checked    ${what}, ${whole(checked.unknownCalls)} unknown`,
          `           ${whole(checked.checkoutRows)} checkout rows, ` +
            `${whole(checked.purchaseRows)} purchase rows; ` +
            (checked.explainedSales > 0
              ? 'every row of our users explained'
              : 'other rows not judged'),
        ]
  lines.push(
    `           ${whole(checked.users)} buyers, ` +
      `at most ${checked.purchasesOfOneUserMax} purchases each`,
  )
  lines.push(`           ${answerWords(checked)}`)
  if (checked.lateCalls > 0) {
    lines.push(
      `           ${whole(checked.lateCalls)} calls came too late to be judged in their place: ` +
        'refusals may be blamed wrongly',
    )
  }
  if (isVacuous(verification)) return `${lines.join('\n')}\nverdict    nothing to prove\n`
  if (verification.ok) return `${lines.join('\n')}\nverdict    ok\n`
  lines.push(`verdict    ${whole(verification.violationCount)} VIOLATIONS`)
  for (const [kind, count] of Object.entries(verification.countByKind)) {
    lines.push(`  ${kind}: ${whole(count)}`)
    for (const violation of verification.violations) {
      if (violation.kind !== kind) continue
      lines.push(...violationLines(violation).map((line) => `    ${line}`))
    }
  }
  return `${lines.join('\n')}\n`
}

/** What else was compared: a verdict about nothing is worth nothing. */
function answerWords(checked: Verification['checked']): string {
  const refused = `${whole(checked.refusedCalls)} refusals`
  const judged =
    checked.judgedSales > 0 ? 'judged' : 'of checkouts not judged: the sale did not begin empty'
  const others =
    `${whole(checked.acknowledgedCancels)} cancels, ${whole(checked.reads)} reads`
  return checked.refusedCalls === 0 ? others : `${others}, ${refused} ${judged}`
}

function counterWords(counters: RunResult['counters']): string {
  const words = Object.entries(counters)
    .filter(([name, count]) => name !== 'items' && (count > 0 || name === 'purchased'))
    .map(([name, count]) => `${whole(count)} ${wordsOf(name)}`)
  return words.length === 0 ? '' : `: ${words.join(', ')}`
}

/** Gaps that are further apart than this from those due are not what was asked for. */
const GAP_DISTANCE_MAX = 0.05

function spacingLines({ kind, gapDistance }: RunResult['arrivals']): string[] {
  if (kind === 'closed') return []
  const limit = gapDistance > GAP_DISTANCE_MAX ? ': they clump, this generator cannot spread them so finely; use more --threads or --lean' : ''
  return [`spacing    gaps between arrivals differ from those due by ${(gapDistance * 100).toFixed(1)} % (largest, of their distribution)${limit}`]
}

function leftOverWords({ leftOverCount }: RunResult['arrivals']): string {
  return leftOverCount > 0 ? ` (${whole(leftOverCount)} never sent before the end)` : ''
}

function latencyLines(step: StepResult): string[] {
  const rows: [string, LatencyResult][] = [
    ['from due', step.dueLatency],
    ['from sent', step.sendLatency],
    ['send lag', step.sendLag],
  ]
  return rows.map(([what, { count, summaryMs, histogram }]) => {
    const { p50, p90, p99, p999, max } = summaryMs
    const p95 = count === 0 ? 0 : decodeFromCompressedBase64(histogram, 64).getValueAtPercentile(95) / 1_000
    const cells = [p50, p90, Math.min(p95, max), p99, p999, max].map((ms) => column(ms.toFixed(2)))
    return `${step.step.padEnd(11)} ${what.padEnd(10)}${column(whole(count))}${cells.join('')}`
  })
}

function outcomeLines(step: StepResult): string[] {
  return step.outcomes.map(({ status, reason, count }) => {
    const answer = status === 0 ? `none, ${reason}` : `${status} ${reason}`.trimEnd()
    return `${step.step.padEnd(10)}${column(whole(count))}  ${answer}`
  })
}

function column(text: string): string {
  return text.padStart(10)
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1_000).toFixed(3)} s`
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
