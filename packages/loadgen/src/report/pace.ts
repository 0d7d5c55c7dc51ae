import type { RunResult } from '../run-result.ts'

/** Of all answers, those whose end tells the pace. */
const SHARE = 0.9
/** A run that took so many times as long as they did has mostly waited. */
const TIMES = 2

/**
 * How fast a sale went that was sold out only after a long wait, for reservations that others had left; undefined when there was no
 * such wait. To the second, as the series is.
 */
export function paceOf({ ended, answerCount, elapsedMs, series }: RunResult): { readonly perSecond: number; readonly untilMs: number } | undefined {
  if (ended !== 'sold_out') return undefined
  let answers = 0
  for (const point of series.points) {
    answers += point.answerCount
    if (answers < SHARE * answerCount) continue
    const untilMs = point.atMs + point.lengthMs
    return elapsedMs > TIMES * untilMs ? { perSecond: (answers * 1_000) / untilMs, untilMs } : undefined
  }
  return undefined
}
