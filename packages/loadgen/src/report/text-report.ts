import { violationLines } from '../invariants/violation-text.ts'
import type { Verification } from '../invariants/verify-ledger.ts'
import type { RunResult } from '../run.ts'
import type { RunProgress, StepResult } from '../runner/measurement.ts'

const LATENCY_COLUMNS = ['answers', 'p50', 'p90', 'p99', 'p99.9', 'max']

/** The result of a run as plain text for a terminal, a table a step. */
export function runText(result: RunResult): string {
  const lines = [
    `${result.scenario}  ${result.url}  sale ${result.saleId}, ${whole(result.items)} items`,
    `load       ${whole(result.connections)} connections, ${whole(result.users)} users, ` +
      `seed ${result.seed}`,
    `ended      ${result.ended}: ${progressWords(result)}`,
    `time       ${timeWords(result)}`,
    `rate       ${whole(result.answersPerSecond)} answers/s; ${perCpuSecond(result)}`,
    '',
    `${'step'.padEnd(10)}${LATENCY_COLUMNS.map(column).join('')}  ms`,
    ...result.steps.map(latencyLine),
    '',
    `${'step'.padEnd(10)}${column('count')}  answer`,
    ...result.steps.flatMap(outcomeLines),
  ]
  return `${lines.join('\n')}\n`
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

/** One line of progress. */
export function progressText(progress: RunProgress): string {
  const elapsed = (progress.elapsedMs / 1_000).toFixed(0)
  const rate =
    `${whole(progress.answersPerSecond)} answers/s  ` +
    `${whole(progress.noAnswerCount)} without an answer\n`
  if (progress.items === 0) return `${elapsed.padStart(5)} s  ${rate}`
  const known = progress.purchasedCount + progress.soldByOthersCount
  const share = Math.floor((known * 100) / Math.max(1, progress.items))
  const sold = `${whole(known)} of ${whole(progress.items)} sold (${share} %)`
  return `${elapsed.padStart(5)} s  ${sold}  ${rate}`
}

function progressWords(result: RunResult): string {
  const words = [
    `${whole(result.purchasedCount)} purchased`,
    `${whole(result.reservedCount)} reserved`,
  ]
  if (result.soldByOthersCount > 0)
    words.push(`${whole(result.soldByOthersCount)} refused as taken`)
  if (result.abandonedCount > 0) words.push(`${whole(result.abandonedCount)} given up`)
  return words.join(', ')
}

function timeWords(result: RunResult): string {
  const run = `run ${seconds(result.elapsedMs)}`
  if (result.timeToSellOutMs === undefined) return run
  return `sold out in ${seconds(result.timeToSellOutMs)} (first request to last purchase), ${run}`
}

function perCpuSecond(result: RunResult): string {
  const each = result.clientCpuMs > 0 ? (result.answerCount * 1_000) / result.clientCpuMs : 0
  return `${whole(each)} per CPU-second of the generator`
}

function latencyLine(step: StepResult): string {
  const { p50, p90, p99, p999, max } = step.latencyMs
  const cells = [p50, p90, p99, p999, max].map((ms) => column(ms.toFixed(2)))
  return `${step.step.padEnd(10)}${column(whole(step.answerCount))}${cells.join('')}`
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
