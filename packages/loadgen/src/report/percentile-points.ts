import { decodeFromCompressedBase64 } from 'hdr-histogram-js'
import type { LatencyResult } from '../run-result.ts'

/** One point of the curve: a share of the answers took at most so long. */
export interface PercentilePoint {
  /** From 0 to below 1. */
  readonly share: number
  readonly ms: number
}

/** Points for each factor of ten in 1 - share. */
const POINTS_PER_DECADE = 24

/**
 * The percentiles of a latency, close enough together to draw, up to the last that more than one
 * answer stands for. Nothing for a latency that was not measured.
 *
 * @throws Error when the histogram in the result cannot be decoded.
 */
export function percentilePoints(latency: LatencyResult): PercentilePoint[] {
  if (latency.count === 0) return []
  const histogram = decodeFromCompressedBase64(latency.histogram)
  const decades = Math.min(7, Math.log10(Math.max(latency.count, 10)))
  const count = Math.round(decades * POINTS_PER_DECADE)
  const maxMs = latency.summaryMs.max
  return Array.from({ length: count + 1 }, (_, i) => {
    const share = 1 - 10 ** ((-i / count) * decades)
    const ms = histogram.getValueAtPercentile(share * 100) / 1_000
    return { share, ms: Math.min(ms, maxMs) }
  })
}
