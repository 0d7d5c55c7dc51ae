import type { RunResult } from '../../run-result.ts'
import { durationText, millis, significant } from '../number-text.ts'
import type { BucketLatency, TimeBucket } from '../time-buckets.ts'
import { latencyScale } from './latency-scale.ts'
import { linePlot, PLOT, type PlotLine } from './line-plot.ts'
import type { Markup } from './markup.ts'
import { exactScale, linearScale, type Scale } from './scale.ts'

const HEIGHT = 230

/** Answers a second, and in an open loop the arrivals that asked for them. */
export function throughputPlot(
  run: RunResult,
  buckets: readonly TimeBucket[],
): Markup | undefined {
  const isOpen = run.arrivals.kind !== 'closed'
  const lines: PlotLine[] = [line('answers', 'one', buckets, (one) => one.answersPerSecond)]
  if (isOpen) {
    lines.push({
      ...line('arrivals due', 'two', buckets, (one) => one.arrivalsPerSecond),
      isDashed: true,
    })
  }
  return ratePlot('Throughput over time', 'per second', lines, buckets)
}

/** Errors a second; undefined for a run without any. */
export function errorPlot(buckets: readonly TimeBucket[]): Markup | undefined {
  const lines = [
    line('errors', 'bad', buckets, (one) => one.errorsPerSecond),
    { ...line('no answer', 'four', buckets, (one) => one.noAnswersPerSecond), isDashed: true },
    { ...line('dropped', 'two', buckets, (one) => one.droppedPerSecond), isDashed: true },
  ].filter(({ points }) => points.some(({ y }) => y !== undefined && y > 0))
  return lines.length === 0
    ? undefined
    : ratePlot('Errors over time', 'per second', lines, buckets)
}

/** Latency of one step over time; undefined without answers. */
export function latencyTimePlot(
  run: RunResult,
  buckets: readonly TimeBucket[],
  stepIndex: number,
): Markup | undefined {
  const isClosed = run.arrivals.kind === 'closed'
  const due = (figure: keyof BucketLatency) => (one: TimeBucket) =>
    one.steps[stepIndex]?.due?.[figure]
  const lines: PlotLine[] = [
    { ...line('max', 'four', buckets, due('max')), isDashed: true },
    line('p99', 'one', buckets, due('p99')),
    line('p50', 'three', buckets, due('p50')),
  ]
  if (!isClosed) {
    const sent = (one: TimeBucket): number | undefined => one.steps[stepIndex]?.send?.p99
    lines.splice(2, 0, { ...line('p99 from sending', 'two', buckets, sent), isDashed: true })
  }
  const name = run.steps[stepIndex]?.step ?? ''
  const from = isClosed ? '' : ' from the due time'
  return millisPlot(`Latency of ${name}${from} over time`, 'latency, ms', lines, buckets)
}

/** How late requests were sent, over time. */
export function sendLagPlot(buckets: readonly TimeBucket[]): Markup | undefined {
  const lines = [
    { ...line('max', 'four', buckets, (one) => one.lag?.max), isDashed: true },
    line('p99', 'one', buckets, (one) => one.lag?.p99),
    line('p50', 'three', buckets, (one) => one.lag?.p50),
  ]
  return millisPlot('Send lag over time', 'from due to sent, ms', lines, buckets)
}

/** Cores that the generator used, over time. */
export function generatorPlot(buckets: readonly TimeBucket[]): Markup | undefined {
  const lines = [line('cores used', 'one', buckets, (one) => one.generatorCores)]
  return ratePlot('CPU of the generator over time', 'cores', lines, buckets)
}

function ratePlot(
  title: string,
  unit: string,
  lines: readonly PlotLine[],
  buckets: readonly TimeBucket[],
): Markup | undefined {
  const values = valuesOf(lines)
  if (values.length === 0) return undefined
  const max = values.reduce((most, value) => Math.max(most, value), 0)
  const y = linearScale(max > 0 ? max : 1, ySpan(), (value) => significant(value), 4)
  const xText = secondsText
  return linePlot({
    description: `${title}, ${unit}: ${summary(lines, (value) => significant(value))}.`,
    height: HEIGHT,
    ...timeAxis(buckets),
    y,
    yLabel: unit,
    lines,
    xText,
    yText: (value) => significant(value),
  })
}

function millisPlot(
  title: string,
  yLabel: string,
  lines: readonly PlotLine[],
  buckets: readonly TimeBucket[],
): Markup | undefined {
  const values = valuesOf(lines)
  if (values.length === 0) return undefined
  const y = latencyScale(values, ySpan())
  return linePlot({
    description: `${title}, ms: ${summary(lines, millis)}.`,
    height: HEIGHT,
    ...timeAxis(buckets),
    y: y.scale,
    yLabel: `${yLabel}${y.note}`,
    lines,
    xText: secondsText,
    yText: (ms) => `${millis(ms)} ms`,
  })
}

function timeAxis(buckets: readonly TimeBucket[]): { x: Scale; xLabel: string } {
  const last = buckets.at(-1)
  const endMs = last === undefined ? 0 : last.atMs + last.lengthMs
  const span = { from: PLOT.left, to: PLOT.right }
  // Whole minutes or hours read better than thousands of seconds.
  const [unit, unitMs] =
    endMs > 3 * 3_600_000 ? ['h', 3_600_000] : endMs > 300_000 ? ['min', 60_000] : ['s', 1_000]
  const scale = exactScale(endMs / unitMs, span, (value) => String(value))
  return {
    x: {
      at: (ms) => scale.at(ms / unitMs),
      ticks: scale.ticks.map((tick) => ({ ...tick, value: tick.value * unitMs })),
    },
    xLabel: `time since the begin of the measurement, ${unit}`,
  }
}

function line(
  label: string,
  tone: PlotLine['tone'],
  buckets: readonly TimeBucket[],
  of: (bucket: TimeBucket) => number | undefined,
): PlotLine {
  // In the middle of its stretch, where the value belongs.
  const points = buckets.map((one) => ({ x: one.atMs + one.lengthMs / 2, y: of(one) }))
  return { label, tone, points }
}

function valuesOf(lines: readonly PlotLine[]): number[] {
  return lines.flatMap(({ points }) => points.flatMap(({ y }) => y ?? []))
}

function summary(lines: readonly PlotLine[], text: (value: number) => string): string {
  return lines
    .map(({ label, points }) => {
      const values = points.flatMap(({ y }) => y ?? [])
      if (values.length === 0) return `${label} none`
      const [low, high] = values.reduce(
        ([least, most], value) => [Math.min(least, value), Math.max(most, value)],
        [Infinity, -Infinity],
      )
      return `${label} ${text(low)} to ${text(high)}`
    })
    .join(', ')
}

function ySpan(): { from: number; to: number } {
  return { from: HEIGHT - PLOT.bottomMargin, to: PLOT.top }
}

function secondsText(ms: number): string {
  return durationText(ms)
}
