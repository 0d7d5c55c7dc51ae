import type { LatencyResult, LatencySummary, RunResult, StepResult } from '../../run-result.ts'
import { unansweredNote } from '../../unanswered.ts'
import { millis, whole } from '../number-text.ts'
import { type Markup, markup } from './markup.ts'
import { percentilePlot } from './percentile-plot.ts'
import { figure } from './plot-figure.ts'

const FIGURES: readonly (readonly [keyof LatencySummary, string])[] = [
  ['p50', 'p50'],
  ['p90', 'p90'],
  ['p99', 'p99'],
  ['p999', 'p99.9'],
  ['max', 'max'],
  ['mean', 'mean'],
]

/** Latencies of every step, from the due time and from the sending side by side. */
export function latencySection(run: RunResult): Markup {
  const isClosed = run.arrivals.kind === 'closed'
  const explanation = isClosed
    ? 'The loop is closed: the next request waits for the answer before, so a request is due when it ' +
      'is sent. While the target stalls hardly anything is asked of it, and the percentiles look ' +
      'better than a crowd would find them.'
    : 'From the due time: what a user waits who comes when the schedule says so, however late the ' +
      'request could be sent. From the sending: what the service takes for the request. Where the two ' +
      'part, requests were waiting for a connection, or for the generator.'
  return markup`<h2>Latency</h2><p>${explanation}</p>
${latencyTable(run.steps, isClosed)}
${unansweredNote(run).map((sentence) => markup`<p class="note">${sentence}</p>`)}
${run.steps.map((step) => {
  const plot = percentilePlot(step, isClosed)
  return plot === undefined
    ? markup`<h3>${step.step}</h3><p class="note">No request of this step was answered.</p>`
    : markup`<h3>${step.step}: latency by percentile</h3>${figure(plot)}`
})}`
}

function latencyTable(steps: readonly StepResult[], isClosed: boolean): Markup {
  const head = (className: string): Markup[] =>
    FIGURES.map(
      ([, name], i) => markup`<th scope="col" class="${i === 0 ? className : ''}">${name}</th>`,
    )
  const cells = (latency: LatencyResult, className: string): Markup[] =>
    FIGURES.map(
      ([name], i) =>
        markup`<td class="${i === 0 ? className : ''}">${
          latency.count === 0 ? '-' : millis(latency.summaryMs[name])
        }</td>`,
    )
  const span = FIGURES.length
  return markup`<div class="scroll"><table>
<thead><tr><th></th><th></th><th scope="colgroup" colspan="${span}" class="group">${isClosed ? 'latency, ms' : 'from due time, ms'}</th>
${!isClosed && markup`<th scope="colgroup" colspan="${span}" class="group">from sending, ms</th>`}</tr>
<tr><th scope="col">step</th><th scope="col">answers</th>${head('group')}${!isClosed && head('group')}</tr></thead>
<tbody>${steps.map(
    (step) =>
      markup`<tr><th scope="row">${step.step}</th><td>${whole(step.answerCount)}</td>${cells(step.dueLatency, 'group')}${!isClosed && cells(step.sendLatency, 'group')}</tr>`,
  )}</tbody></table></div>`
}
