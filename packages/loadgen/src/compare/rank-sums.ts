/**
 * The ranks of two samples laid together. Ranks are doubled, so that tied (half) ranks stay whole.
 */
export interface RankSums {
  /** Doubled ranks of all values, in ascending order. */
  readonly doubledRanks: Int32Array
  /** Sum of the doubled ranks of the second sample. */
  readonly secondDoubledRankSum: number
  /** Sum over groups of t equal values of t^3 - t; 0 without ties. */
  readonly tieTerm: number
}

/** Ranks two samples together; equal values share the mean of their ranks. */
export function rankSums(first: readonly number[], second: readonly number[]): RankSums {
  const values = [
    ...first.map((value) => ({ value, isSecond: false })),
    ...second.map((value) => ({ value, isSecond: true })),
  ].toSorted((x, y) => x.value - y.value)
  const doubledRanks = new Int32Array(values.length)
  let secondDoubledRankSum = 0
  let tieTerm = 0
  for (let from = 0; from < values.length; ) {
    let to = from + 1
    while (to < values.length && values[to]?.value === values[from]?.value) to++
    const tied = to - from
    tieTerm += tied ** 3 - tied
    // Ranks from + 1 to `to`: their mean is (from + 1 + to) / 2.
    const doubledRank = from + 1 + to
    for (let i = from; i < to; i++) {
      doubledRanks[i] = doubledRank
      if (values[i]?.isSecond === true) secondDoubledRankSum += doubledRank
    }
    from = to
  }
  return { doubledRanks, secondDoubledRankSum, tieTerm }
}
