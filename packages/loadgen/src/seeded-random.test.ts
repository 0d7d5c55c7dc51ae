import { expect, test } from 'vitest'
import { SeededRandom } from './seeded-random.ts'

function shuffled(seed: number): number[] {
  const cells = Int32Array.from({ length: 1_000 }, (_, i) => i)
  new SeededRandom(seed).shuffle(cells)
  return [...cells]
}

test('the same seed gives the same order and another seed another', () => {
  expect(shuffled(7)).toEqual(shuffled(7))
  expect(shuffled(7)).not.toEqual(shuffled(8))
})

test.each([0, 1, 4_294_967_295])('a shuffle with seed %d keeps every number once', (seed) => {
  const order = shuffled(seed)
  expect(order.toSorted((a, b) => a - b)).toEqual(order.map((_, i) => i))
  expect(order.filter((value, i) => value === i).length).toBeLessThan(20)
})

test('numbers below a bound reach both ends and never the bound', () => {
  const random = new SeededRandom(3)
  const seen = new Set(Array.from({ length: 1_000 }, () => random.below(10)))
  expect([...seen].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})
