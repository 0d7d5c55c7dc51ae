import { build, type Histogram } from 'hdr-histogram-js'
import type { LatencySummary } from './run-result.ts'

/**
 * Longer waits are recorded as this long: one hour, the largest that a run of this tool can
 * meaningfully see.
 */
const LATENCY_MAX_US = 3_600_000_000

/**
 * Latencies of one step in a histogram of constant size: whatever the length of the run, three
 * significant digits.
 *
 * The caller chooses where a wait begins. A closed loop measures from the sending; an open loop
 * will measure from the time the request was due, so that a stalled target cannot hide the
 * requests it kept from being sent.
 */
export class Latency {
  private readonly histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_MAX_US,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
  })

  /** Records one wait; both are readings of the same monotonic clock in milliseconds. */
  record(fromMs: number, toMs: number): void {
    const waitUs = Math.round((toMs - fromMs) * 1_000)
    this.histogram.recordValue(waitUs < 1 ? 1 : waitUs > LATENCY_MAX_US ? LATENCY_MAX_US : waitUs)
  }

  /** Adds the waits that another instance has recorded. */
  add(other: Latency): void {
    this.histogram.add(other.histogram)
  }

  summary(): LatencySummary {
    // A percentile is the upper edge of its bucket, which can lie above the largest value seen.
    const maxUs = this.histogram.maxValue
    const at = (percentile: number): number =>
      Math.min(this.histogram.getValueAtPercentile(percentile), maxUs) / 1_000
    if (this.histogram.totalCount === 0) {
      return { p50: 0, p90: 0, p99: 0, p999: 0, max: 0, mean: 0 }
    }
    return {
      p50: at(50),
      p90: at(90),
      p99: at(99),
      p999: at(99.9),
      max: maxUs / 1_000,
      mean: Math.round(this.histogram.mean) / 1_000,
    }
  }
}
