import type { StepResult } from '../../run-result.ts'
import { millis, whole } from '../number-text.ts'
import { percentilePoints, type PercentilePoint } from '../percentile-points.ts'
import { linePlot, PLOT, type PlotLine } from './line-plot.ts'
import type { Markup } from './markup.ts'
import { latencyScale } from './latency-scale.ts'
import { percentileScale } from './scale.ts'

const HEIGHT = 330

/**
 * Latency of one step by percentile, due-time and sending in one plot; undefined without answers.
 */
export function percentilePlot(step: StepResult, isClosed: boolean): Markup | undefined {
  const due = percentilePoints(step.dueLatency)
  const sent = isClosed ? [] : percentilePoints(step.sendLatency)
  const all = [...due, ...sent]
  if (all.length === 0) return undefined
  const bottom = HEIGHT - PLOT.bottomMargin
  const y = latencyScale(
    all.map(({ ms }) => ms),
    { from: bottom, to: PLOT.top },
  )
  const largest = Math.max(...all.map(({ share }) => share))
  const lines: PlotLine[] = [
    { label: isClosed ? 'latency' : 'from due time', tone: 'one', points: due.map(point) },
    { label: 'from sending', tone: 'two', isDashed: true, points: sent.map(point) },
  ]
  return linePlot({
    description:
      `Latency of ${step.step} by percentile, of ${whole(step.answerCount)} answers: ` +
      `p50 ${millis(step.dueLatency.summaryMs.p50)} ms, p99 ${millis(step.dueLatency.summaryMs.p99)} ms, ` +
      `largest ${millis(step.dueLatency.summaryMs.max)} ms.`,
    height: HEIGHT,
    x: percentileScale(largest, { from: PLOT.left, to: PLOT.right }),
    xLabel:
      'share of answers that took at most so long (each step to the right is ten times rarer)',
    y: y.scale,
    yLabel: `latency, ms${y.note}`,
    lines: lines.filter(({ points }) => points.length > 0),
    xText: (share) =>
      `${Number((share * 100).toFixed(share > 0.999 ? 5 : share > 0.9 ? 3 : 1))} %`,
    yText: (ms) => `${millis(ms)} ms`,
  })
}

function point({ share, ms }: PercentilePoint): { x: number; y: number } {
  return { x: share, y: ms }
}
