/**
 * How many consecutive values of a series must be taken together so that the blocks can be treated
 * as independent: twice the integrated autocorrelation time of the series' ranks, rounded up.
 *
 * Seconds of one run are not independent (a garbage collection, a checkpoint or a queue lasts
 * longer than one of them), and a test that thinks they are finds differences between a thing and
 * itself. The sum of autocorrelations is cut at the first pair of neighbouring lags whose sum is
 * not positive (Geyer, "Practical Markov chain Monte Carlo", 1992, initial positive sequence), and
 * ranks are used so that one outlier does not hide the dependence of the rest.
 *
 * @param series one value for each second, in order.
 * @returns 1 for an uncorrelated series. It can be so long that too few blocks are left for a test:
 * then the run was too short to say anything.
 */
export function blockLength(series: readonly number[]): number {
  const time = autocorrelationTime(series)
  return time < UNCORRELATED_TIME ? 1 : Math.ceil(BLOCK_TIMES * time)
}

/** With fewer blocks on either side no test of several metrics could find anything. */
export const BLOCKS_MIN = 5

/** Blocks of this many autocorrelation times are nearly independent of their neighbours. */
const BLOCK_TIMES = 2

/** An uncorrelated series of some dozens of values seldom shows more than this by chance. */
const UNCORRELATED_TIME = 1.5

/**
 * 1 + 2 (rho_1 + rho_2 + ...): how many values of the series say as much as one independent one.
 */
function autocorrelationTime(series: readonly number[]): number {
  const centred = centredRanks(series)
  const variance = autocovariance(centred, 0)
  if (variance === 0) return 1
  let time = 1
  const lagMax = Math.floor(series.length / 2)
  for (let lag = 1; lag + 1 <= lagMax; lag += 2) {
    const pair = (autocovariance(centred, lag) + autocovariance(centred, lag + 1)) / variance
    if (pair <= 0) break
    time += 2 * pair
  }
  return time
}

function centredRanks(series: readonly number[]): Float64Array {
  const order = series.map((value, at) => ({ value, at })).toSorted((x, y) => x.value - y.value)
  const ranks = new Float64Array(series.length)
  for (let from = 0; from < order.length; ) {
    let to = from + 1
    while (to < order.length && order[to]?.value === order[from]?.value) to++
    for (let i = from; i < to; i++) {
      const place = order[i]
      if (place !== undefined) ranks[place.at] = (from + to - series.length) / 2
    }
    from = to
  }
  return ranks
}

function autocovariance(centred: Float64Array, lag: number): number {
  let sum = 0
  for (let i = 0; i + lag < centred.length; i++) {
    sum += (centred[i] ?? 0) * (centred[i + lag] ?? 0)
  }
  return sum / centred.length
}
