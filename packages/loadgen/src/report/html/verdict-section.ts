import type { RunResult } from '../../run-result.ts'
import { durationText, millis, share, significant, whole } from '../number-text.ts'
import type { RunReport } from '../run-report.ts'
import type { VerdictWord } from '../verdict.ts'
import { type Markup, markup } from './markup.ts'
import { paceOf } from '../pace.ts'
import { wordsOf } from './words-of.ts'

/** A title and a tone for each verdict; the sign says it without the colour. */
const HEADLINES: Readonly<Record<VerdictWord, { title: string; tone: string }>> = {
  passed: { title: '\u2713 Passed', tone: 'good' },
  measured: { title: 'Measured', tone: 'plain' },
  fault: { title: '\u2717 Not completed', tone: 'bad' },
  invalid: { title: '\u26A0 INVALID: do not believe the numbers', tone: 'warn' },
  violated: { title: '\u2717 VIOLATED: an answer was not true', tone: 'bad' },
  unreachable: { title: '\u2717 Target unreachable', tone: 'bad' },
  unproved: { title: '\u2717 Nothing proved', tone: 'bad' },
  threshold: { title: '\u2717 Threshold not met', tone: 'bad' },
}

/** The verdict with its reasons, before anything else. */
export function verdictBox({ verdict, exitStatus }: RunReport): Markup {
  const { title, tone } = HEADLINES[verdict.word]
  const [first, ...others] = verdict.sentences
  const reasons =
    others.length === 0
      ? markup`<p>${first}</p>`
      : markup`<ul>${verdict.sentences.map((sentence) => markup`<li>${sentence}</li>`)}</ul>`
  return markup`<div class="verdict ${tone}" data-verdict="${verdict.word}"><strong>${title}</strong>${reasons}
<p class="note">Exit status ${exitStatus}.</p></div>`
}

/** The few numbers that people look for. */
export function figures(run: RunResult): Markup {
  const requests = run.answerCount + run.noAnswerCount
  const isClosed = run.arrivals.kind === 'closed'
  return markup`<dl class="figures">
${keyFigure('measured', durationText(run.elapsedMs), run.warmupMs > 0 ? `after ${durationText(run.warmupMs)} warm-up` : '')}
${keyFigure('ended', run.ended.replaceAll('_', ' '))}
${throughput(run)}
${keyFigure('errors', share(requests === 0 ? 0 : run.errorCount / requests), `${whole(run.errorCount)} of ${whole(requests)}`)}
${run.steps.map((step) =>
  keyFigure(
    `${step.step} p99${isClosed ? '' : ' from due time'}`,
    step.dueLatency.count === 0 ? '-' : millis(step.dueLatency.summaryMs.p99),
    'ms',
  ),
)}
${Object.entries(run.counters).map(([name, count]) => keyFigure(wordsOf(name), significant(count)))}
</dl>`
}

function keyFigure(name: string, value: string, unit = ''): Markup {
  const small = unit !== '' && markup` <small>${unit}</small>`
  return markup`<div><dt>${name}</dt><dd>${value}${small}</dd></div>`
}

/** Every threshold with what it met; a line when there are none. */
export function thresholdSection(run: RunResult): Markup {
  if (run.thresholds.length === 0) {
    return markup`<h2>Thresholds</h2><p class="note">None were given.</p>`
  }
  const rows = run.thresholds.map(
    ({ text, isMet, measured, sentence }) => markup`<tr><th scope="row"><code>${text}</code></th>
<td class="text"><span class="status ${isMet ? 'good' : 'bad'}">${isMet ? '\u2713 met' : '\u2717 not met'}</span></td>
<td>${measured === undefined ? '-' : significant(measured)}</td><td class="text">${sentence}</td></tr>`,
  )
  return markup`<h2>Thresholds</h2>
<div class="scroll"><table><thead><tr><th scope="col">threshold</th><th scope="col" class="text">result</th><th scope="col">measured</th><th scope="col" class="text">in words</th></tr></thead>
<tbody>${rows}</tbody></table></div>`
}

function throughput(run: RunResult): Markup {
  const pace = paceOf(run)
  if (pace === undefined) return keyFigure('throughput', significant(run.answersPerSecond), 'answers/s')
  const rest = `answers/s in the first ${durationText(pace.untilMs)}; ${significant(run.answersPerSecond)} with the wait for others`
  return keyFigure('throughput', significant(pace.perSecond), rest)
}
