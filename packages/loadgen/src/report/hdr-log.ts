import type { LatencyResult, RunResult } from '../run-result.ts'

/**
 * The latencies of a run in the log format of HdrHistogram, version 1.3, which its tools plot and
 * merge: one histogram for each step and measure, told apart by its tag (`purchase.due`,
 * `purchase.send`, `purchase.lag`), over the whole run. Values are microseconds; the maxima in the
 * lines are milliseconds, as the format has them.
 */
export function hdrLog(run: RunResult): string {
  const start = seconds(run.startedAtMs)
  const lines = [
    '#[Histogram log format version 1.3]',
    `#[Logged by megacache-loadgen ${comment(run.generatorVersion)}: ${comment(run.scenario)} against ${comment(run.url)}]`,
    '#[Values are microseconds: from due to answered (due), sent to answered (send), due to sent (lag)]',
    `#[StartTime: ${start} (seconds since epoch), ${new Date(run.startedAtMs).toISOString()}]`,
    '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
  ]
  for (const { step, dueLatency, sendLatency, sendLag } of run.steps) {
    lines.push(
      ...interval(`${step}.due`, dueLatency, start, run.elapsedMs),
      ...interval(`${step}.send`, sendLatency, start, run.elapsedMs),
      ...interval(`${step}.lag`, sendLag, start, run.elapsedMs),
    )
  }
  return `${lines.join('\n')}\n`
}

/** One line; none for what was not measured. */
function interval(tag: string, latency: LatencyResult, start: string, lengthMs: number): string[] {
  if (latency.count === 0) return []
  // Commas, spaces and line ends would end the tag.
  const safeTag = tag.replaceAll(/[\s,]+/g, '_')
  const max = latency.summaryMs.max.toFixed(3)
  return [`Tag=${safeTag},${start},${seconds(lengthMs)},${max},${latency.histogram}`]
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3)
}

function comment(text: string): string {
  // oxlint-disable-next-line no-control-regex -- a line end would end the comment
  return text.replaceAll(/[\u0000-\u001F\u007F-\u009F\u2028\u2029]+/g, ' ')
}
