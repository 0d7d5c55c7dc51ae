/**
 * Adjusts p-values for being many: with all of them the chance that even one falls below alpha
 * where there is no difference stays below alpha. (Holm, "A simple sequentially rejective multiple
 * test procedure", 1979.) Dependence between the tests does not matter.
 *
 * @returns adjusted values in the order given.
 */
export function adjustPValues(pValues: readonly number[]): number[] {
  const order = pValues.map((value, at) => ({ value, at })).toSorted((x, y) => x.value - y.value)
  const adjusted = pValues.map(() => 1)
  let largest = 0
  for (const [rank, { value, at }] of order.entries()) {
    largest = Math.max(largest, Math.min(1, value * (order.length - rank)))
    adjusted[at] = largest
  }
  return adjusted
}
