import type { RunResult } from '../../run-result.ts'
import { durationText, millis, significant } from '../number-text.ts'
import { type TimeBucket, timeBuckets } from '../time-buckets.ts'
import { type Markup, markup } from './markup.ts'
import { figure } from './plot-figure.ts'
import { errorPlot, latencyTimePlot, throughputPlot } from './time-plot.ts'

/** Rows of the table below the plots: more would make it longer than the report. */
const ROWS_MAX = 120

/** The run over time: throughput, latency of every step, errors. */
export function timeSection(run: RunResult): Markup {
  const buckets = timeBuckets(run.series)
  if (buckets.length === 0) {
    return markup`<h2>Over time</h2><p class="note">Nothing was measured.</p>`
  }
  const throughput = throughputPlot(run, buckets)
  const errors = errorPlot(buckets)
  const each = durationText(buckets[0]?.lengthMs ?? 0)
  return markup`<h2>Over time</h2>
<p class="note">Each point stands for ${each}. Where a line is interrupted nothing was answered.</p>
<h3>Throughput</h3>${throughput !== undefined && figure(throughput)}
${run.steps.map((step, i) => {
  const plot = latencyTimePlot(run, buckets, i)
  return plot === undefined
    ? undefined
    : markup`<h3>${step.step}: latency${run.arrivals.kind !== 'closed' && ' from due time'}</h3>${figure(plot)}`
})}
<h3>Errors</h3>${errors === undefined ? markup`<p>None, at any time.</p>` : figure(errors)}
${table(buckets)}`
}

function table(buckets: readonly TimeBucket[]): Markup {
  const each = Math.ceil(buckets.length / ROWS_MAX)
  const rows = buckets.filter((_, i) => i % each === 0)
  return markup`<details><summary>The same as a table${each > 1 && ` (every ${each}th point)`}</summary><div class="scroll"><table>
<thead><tr><th scope="col">from</th><th scope="col">arrivals/s</th><th scope="col">answers/s</th><th scope="col">errors/s</th><th scope="col">p50, ms</th><th scope="col">p99, ms</th><th scope="col">max, ms</th><th scope="col">send lag p99, ms</th><th scope="col">waiting</th></tr></thead>
<tbody>${rows.map(
    (one) =>
      markup`<tr><th scope="row">${durationText(one.atMs)}</th><td>${significant(one.arrivalsPerSecond)}</td><td>${significant(one.answersPerSecond)}</td><td>${significant(one.errorsPerSecond)}</td><td>${cell(one.due?.p50)}</td><td>${cell(one.due?.p99)}</td><td>${cell(one.due?.max)}</td><td>${cell(one.lag?.p99)}</td><td>${significant(one.backlogCount)}</td></tr>`,
  )}</tbody></table></div></details>`
}

function cell(ms: number | undefined): string {
  return ms === undefined ? '-' : millis(ms)
}
