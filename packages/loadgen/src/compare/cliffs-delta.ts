import type { SeededRandom } from '../seeded-random.ts'
import { middleOf } from './block-bootstrap.ts'
import type { Interval } from './location-shift.ts'

/**
 * Cliff's delta: how much more often a value of the second sample exceeds one of the first than the
 * other way round, from -1 (never) to 1 (always). (Cliff, "Dominance statistics", 1993.)
 *
 * The bounds are the middle of as many resampled pairs of samples. They cannot see beyond the
 * data: samples that do not overlap have the bounds 1 and 1.
 */
export function cliffsDelta(
  first: readonly number[],
  second: readonly number[],
  { resamples, random, confidence }: DeltaOptions,
): Interval {
  if (first.length === 0 || second.length === 0) {
    return { estimate: 0, low: -1, high: 1, confidence: 1 }
  }
  const order = [
    ...first.map((value, at) => ({ value, at })),
    ...second.map((value, at) => ({ value, at: first.length + at })),
  ].toSorted((x, y) => x.value - y.value)
  // The place of each value in ascending order; equal values share one.
  const places = new Int32Array(order.length)
  let place = -1
  for (const [i, { value, at }] of order.entries()) {
    if (i === 0 || value !== order[i - 1]?.value) place++
    places[at] = place
  }
  const firstPlaces = places.subarray(0, first.length)
  const secondPlaces = places.subarray(first.length)
  const counts = { first: new Int32Array(place + 1), second: new Int32Array(place + 1) }
  const drawn = new Float64Array(resamples)
  for (let i = 0; i < resamples; i++) {
    counts.first.fill(0)
    counts.second.fill(0)
    draw(firstPlaces, counts.first, random)
    draw(secondPlaces, counts.second, random)
    drawn[i] = dominance(counts.first, counts.second) / (first.length * second.length)
  }
  counts.first.fill(0)
  counts.second.fill(0)
  for (const at of firstPlaces) counts.first[at] = (counts.first[at] ?? 0) + 1
  for (const at of secondPlaces) counts.second[at] = (counts.second[at] ?? 0) + 1
  const estimate = dominance(counts.first, counts.second) / (first.length * second.length)
  return { estimate, ...middleOf(drawn, confidence), confidence }
}

/** How to find the bounds. */
export interface DeltaOptions {
  readonly resamples: number
  readonly random: SeededRandom
  readonly confidence: number
}

/**
 * A word for the size of a delta, with the limits of Romano, Kromrey, Coraggio and Skowronek,
 * "Appropriate statistics for ordinal level data" (2006).
 */
export function deltaWord(delta: number): 'negligible' | 'small' | 'medium' | 'large' {
  const size = Math.abs(delta)
  if (size < 0.147) return 'negligible'
  if (size < 0.33) return 'small'
  return size < 0.474 ? 'medium' : 'large'
}

function draw(places: Int32Array, counts: Int32Array, random: SeededRandom): void {
  for (let i = 0; i < places.length; i++) {
    const at = places[random.below(places.length)] ?? 0
    counts[at] = (counts[at] ?? 0) + 1
  }
}

/** Pairs in which the second is larger, less those in which the first is. */
function dominance(first: Int32Array, second: Int32Array): number {
  let sum = 0
  let firstBelow = 0
  let secondBelow = 0
  for (let i = 0; i < first.length; i++) {
    const one = first[i] ?? 0
    const other = second[i] ?? 0
    sum += other * firstBelow - one * secondBelow
    firstBelow += one
    secondBelow += other
  }
  return sum
}
