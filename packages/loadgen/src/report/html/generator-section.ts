import type { GeneratorThread, RunResult } from '../../run-result.ts'
import { durationText, millis, share, significant, whole } from '../number-text.ts'
import { timeBuckets } from '../time-buckets.ts'
import { type Markup, markup } from './markup.ts'
import { figure } from './plot-figure.ts'
import { generatorPlot, sendLagPlot } from './time-plot.ts'

/** Whether the generator itself was the bottleneck, with the evidence for and against. */
export function generatorSection(run: RunResult): Markup {
  const { generator, arrivals, invalidReasons } = run
  const isClosed = arrivals.kind === 'closed'
  const buckets = timeBuckets(run.series)
  const cores = generatorPlot(buckets)
  const lag = isClosed ? undefined : sendLagPlot(buckets)
  const verdict =
    invalidReasons.length === 0
      ? markup`<p><span class="status good">\u2713 Yes:</span> it had CPU left and was on time.</p>`
      : markup`<p><span class="status bad">\u2717 No:</span> the run is INVALID.</p><ul>${invalidReasons.map(({ sentence }) => markup`<li>${sentence}</li>`)}</ul>`
  return markup`<h2>Could the generator measure as it should?</h2>${verdict}
${run.missing.length > 0 && markup`<p class="status bad">Missing:</p><ul>${run.missing.map((sentence) => markup`<li>${sentence}</li>`)}</ul>`}
<p>It used ${significant(generator.cpuMs / 1_000)} s of CPU, ${significant(generator.answersPerCpuSecond)} answers for each.
${whole(arrivals.dueCount)} iterations ${isClosed ? 'were begun' : 'became due'}, ${whole(arrivals.completedCount)} completed,
${whole(arrivals.droppedCount)} were dropped (${whole(arrivals.leftOverCount)} still waited at the end), ${whole(arrivals.unfinishedCount)} not finished; at most ${whole(arrivals.backlogCountMax)} waited.</p>
<div class="scroll"><table><thead><tr><th scope="col">thread</th><th scope="col">CPU</th><th scope="col">event loop busy</th><th scope="col">waited for CPU</th><th scope="col">loop lag p99, ms</th><th scope="col">loop lag max, ms</th><th scope="col">arrival lag p99, ms</th><th scope="col">seconds at the limit</th></tr></thead>
<tbody>${generator.threads.map(threadRow)}</tbody></table></div>
${cores !== undefined && markup`<h3>CPU of the generator</h3>${figure(cores)}`}
${lag !== undefined && markup`<h3>Send lag: from due to sent</h3>${figure(lag)}`}`
}

function threadRow(thread: GeneratorThread): Markup {
  const { cpuMs, elapsedMs, starvedShare } = thread
  return markup`<tr><th scope="row">${thread.machine} ${thread.threadIndex}</th>
<td>${cpuMs === undefined ? '-' : `${durationText(cpuMs)} (${share(cpuMs / Math.max(1, elapsedMs))})`}</td>
<td>${share(thread.loopUtilization)}</td><td>${starvedShare === undefined ? '-' : share(starvedShare)}</td>
<td>${millis(thread.loopLagMs.p99)}</td><td>${millis(thread.loopLagMs.max)}</td><td>${millis(thread.arrivalLagMs.p99)}</td>
<td>${thread.busySecondCount} of ${thread.secondCount}</td></tr>`
}
