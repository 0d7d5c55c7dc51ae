import { expect, test } from 'vitest'
import { type ClosedStep, kneeOf, shouldGoOn } from './knee.ts'

function steps(...rates: number[]): ClosedStep[] {
  return rates.map((iterationsPerSecond, i) => ({
    connections: 2 ** i,
    iterationsPerSecond,
    answersPerSecond: iterationsPerSecond,
    p50Ms: 1,
    p99Ms: 1,
    isGeneratorSaturated: false,
  }))
}

test.each([
  [[], true],
  [[100], true],
  [[100, 200, 400], true],
  [[100, 200, 205], true],
  [[100, 200, 205, 204], false],
  [[100, 200, 150, 400], true],
  [[100, 50, 20], false],
])('after rates of %j the search goes on: %s', (rates, goesOn) => {
  expect(shouldGoOn(steps(...rates))).toBe(goesOn)
})

test.each([
  [[100, 200, 205, 204], 2],
  [[100, 200, 400, 410, 300], 4],
  [[500, 100], 1],
  [[100, 200, 400], 4],
])('the knee of %j is at %d connections', (rates, connections) => {
  expect(kneeOf(steps(...rates))?.connections).toBe(connections)
})

test('nothing has no knee', () => {
  expect(kneeOf([])).toBeUndefined()
})
