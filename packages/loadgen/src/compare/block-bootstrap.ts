import type { SeededRandom } from '../seeded-random.ts'
import type { SeriesRows } from './series-rows.ts'

/**
 * Draws the same metric from many runs that could have been: each is made of whole blocks of
 * consecutive rows of this one, drawn with repetition and read around the end (the circular block
 * bootstrap; Politis and Romano, 1992). Rows far apart are taken to be independent and the run to
 * be stationary: what a second run would do differently as a whole is not seen.
 *
 * @param blockRows rows in a block, at least 1.
 * @param count how many runs to draw.
 * @returns the metric of each drawn run; NaN where nothing was measured in it.
 */
export function blockBootstrap(
  rows: SeriesRows,
  blockRows: number,
  count: number,
  random: SeededRandom,
): Float64Array {
  const { width } = rows
  const drawn = new Float64Array(count)
  if (rows.count === 0) return drawn.fill(Number.NaN)
  const before = prefixSums(rows)
  const blocks = Math.max(1, Math.round(rows.count / blockRows))
  const sums = new Float64Array(width)
  for (let i = 0; i < count; i++) {
    sums.fill(0)
    for (let block = 0; block < blocks; block++) {
      const from = random.below(rows.count) * width
      const to = from + blockRows * width
      for (let cell = 0; cell < width; cell++) {
        sums[cell] = (sums[cell] ?? 0) + ((before[to + cell] ?? 0) - (before[from + cell] ?? 0))
      }
    }
    drawn[i] = rows.valueOf(sums, 0)
  }
  return drawn
}

/** Sums of all rows before each, over the rows twice, so that a block may run around the end. */
function prefixSums(rows: SeriesRows): Float64Array {
  const { count, width, cells } = rows
  const sums = new Float64Array((2 * count + 1) * width)
  for (let row = 0; row < 2 * count; row++) {
    const from = (row % count) * width
    for (let cell = 0; cell < width; cell++) {
      sums[(row + 1) * width + cell] = (sums[row * width + cell] ?? 0) + (cells[from + cell] ?? 0)
    }
  }
  return sums
}

/** The bounds between which the middle `confidence` of the finite values lies. */
export function middleOf(values: Float64Array, confidence: number): { low: number; high: number } {
  const sorted = values.filter((value) => Number.isFinite(value)).toSorted()
  const tail = (1 - confidence) / 2
  return { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) }
}

/** Linear between the values around it; NaN of nothing. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1)
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}
