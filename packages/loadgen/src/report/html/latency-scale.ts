import { linearScale, logScale, type Scale, type Span } from './scale.ts'

/**
 * From this ratio of the largest to the smallest value on, a linear scale would hide the small
 * ones.
 */
const LOG_RATIO = 8

/** A scale for latencies in milliseconds, and what to add to the axis' label. */
export function latencyScale(
  valuesMs: readonly number[],
  span: Span,
): { readonly scale: Scale; readonly note: string } {
  const positive = valuesMs.filter((ms) => ms > 0)
  const max = positive.reduce((most, ms) => Math.max(most, ms), 0)
  const min = positive.reduce((least, ms) => Math.min(least, ms), max)
  if (min > 0 && max / min >= LOG_RATIO) {
    return { scale: logScale(min, max, span, tickText), note: ' (log scale)' }
  }
  return { scale: linearScale(max > 0 ? max : 1, span, tickText), note: '' }
}

function tickText(ms: number): string {
  return ms >= 1_000 ? ms.toLocaleString('en-US') : String(ms)
}
