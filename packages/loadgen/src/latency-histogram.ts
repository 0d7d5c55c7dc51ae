import { build, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js'
import type { LatencyResult, LatencySummary } from './run-result.ts'

/**
 * Longer waits are recorded as this long: one hour, the largest that a run of this tool can
 * meaningfully see.
 */
export const LATENCY_MAX_US = 3_600_000_000

/** Three significant digits need 2,048 cells for the first bucket and half of that for the others. */
const SUB_BUCKET_BITS = 11
const HALF_COUNT = 1 << (SUB_BUCKET_BITS - 1)
const CELL_COUNT = indexOf(LATENCY_MAX_US) + 1

/** What another thread needs to add a histogram to its own: index and count of each cell in use. */
export interface SparseHistogram {
  readonly indexes: readonly number[]
  readonly counts: readonly number[]
  readonly maxUs: number
  readonly sumUs: number
}

/**
 * Waits in whole microseconds with three significant digits, in constant memory whatever the length
 * of a run. The cells are those of HdrHistogram (lowest value 1, highest one hour), so that results
 * can be written in its format without loss; recording is here because it is on the path of every
 * request, three times, and this does it in a few instructions.
 */
export class LatencyHistogram {
  count = 0
  private readonly cells = new Float64Array(CELL_COUNT)
  private maxUs = 0
  private sumUs = 0

  /** Records a wait in milliseconds; a negative one counts as zero. */
  record(waitMs: number): void {
    const rounded = Math.round(waitMs * 1_000)
    const waitUs = rounded < 1 ? 1 : rounded > LATENCY_MAX_US ? LATENCY_MAX_US : rounded
    const index = indexOf(waitUs)
    this.cells[index] = (this.cells[index] as number) + 1
    this.count++
    this.sumUs += waitUs
    if (waitUs > this.maxUs) this.maxUs = waitUs
  }

  /** What has been recorded so far, to be sent elsewhere; begins anew. */
  takeSparse(): SparseHistogram {
    const indexes: number[] = []
    if (this.count > 0) {
      for (let i = 0; i < CELL_COUNT; i++) if (this.cells[i] !== 0) indexes.push(i)
    }
    const counts = indexes.map((index) => this.cells[index] as number)
    const sparse = { indexes, counts, maxUs: this.maxUs, sumUs: this.sumUs }
    this.clear()
    return sparse
  }

  addSparse(other: SparseHistogram): void {
    for (let i = 0; i < other.indexes.length; i++) {
      const index = other.indexes[i] as number
      const count = other.counts[i] as number
      this.cells[index] = (this.cells[index] as number) + count
      this.count += count
    }
    this.sumUs += other.sumUs
    if (other.maxUs > this.maxUs) this.maxUs = other.maxUs
  }

  clear(): void {
    if (this.count > 0) this.cells.fill(0)
    this.count = 0
    this.maxUs = 0
    this.sumUs = 0
  }

  /** Milliseconds; zeros when nothing was recorded. */
  summary(): LatencySummary {
    if (this.count === 0) return { p50: 0, p90: 0, p99: 0, p999: 0, max: 0, mean: 0 }
    const [p50 = 0, p90 = 0, p99 = 0, p999 = 0] = this.quantiles([0.5, 0.9, 0.99, 0.999])
    const mean = Math.round(this.sumUs / this.count) / 1_000
    return { p50, p90, p99, p999, max: this.maxUs / 1_000, mean }
  }

  /**
   * Values in milliseconds below or at which these shares (ascending, 0 to 1) of all waits lie: the
   * highest value of the cell, as HdrHistogram has it, but never above the largest recorded.
   */
  quantiles(shares: readonly number[]): number[] {
    const found: number[] = []
    let seen = 0
    let index = -1
    for (const share of shares) {
      const wanted = Math.max(1, Math.ceil(share * this.count - 1e-6))
      while (seen < wanted && index < CELL_COUNT - 1) seen += this.cells[++index] as number
      found.push(Math.min(highestOf(Math.max(0, index)), this.maxUs) / 1_000)
    }
    return found
  }

  /**
   * The largest difference between the shares of the two that lie below any value (Kolmogorov and Smirnov), 0 to 1;
   * 0 when either is empty.
   */
  distanceTo(other: LatencyHistogram): number {
    if (this.count === 0 || other.count === 0) return 0
    let own = 0
    let others = 0
    let largest = 0
    for (let i = 0; i < CELL_COUNT; i++) {
      own += this.cells[i] as number
      others += other.cells[i] as number
      largest = Math.max(largest, Math.abs(own / this.count - others / other.count))
    }
    return largest
  }

  result(): LatencyResult {
    return { count: this.count, summaryMs: this.summary(), histogram: this.encoded() }
  }

  private encoded(): string {
    const histogram: Histogram = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: LATENCY_MAX_US,
      numberOfSignificantValueDigits: 3,
      bitBucketSize: 64,
    })
    for (let i = 0; i < CELL_COUNT; i++) {
      const count = this.cells[i] as number
      if (count > 0) histogram.recordValueWithCount(lowestOf(i), count)
    }
    return encodeIntoCompressedBase64(histogram)
  }
}

/** The cell of a value from 0 to 2^32 - 1. */
function indexOf(valueUs: number): number {
  const bucket = 32 - SUB_BUCKET_BITS - Math.clz32(valueUs | (HALF_COUNT * 2 - 1))
  return bucket * HALF_COUNT + (valueUs >>> bucket)
}

function lowestOf(index: number): number {
  const bucket = Math.max(0, Math.floor(index / HALF_COUNT) - 1)
  return (index - bucket * HALF_COUNT) * 2 ** bucket
}

function highestOf(index: number): number {
  const bucket = Math.max(0, Math.floor(index / HALF_COUNT) - 1)
  return lowestOf(index) + 2 ** bucket - 1
}
