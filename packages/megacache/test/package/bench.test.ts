import { expect, it } from 'vitest'
import { benchEngine } from '../../bench/engine.bench.ts'
import { OPERATIONS } from '../../bench/engine-thread.ts'

it('runs the benchmark of the engine at a size that shows only that it runs', async () => {
  const { ns, twoThreadsOverOne, largeOverSmall } = await benchEngine([500, 1000], 1, 0.01)
  expect(Object.keys(ns)).toEqual(['500 items', '1000 items', 'two threads', 'ids by number', 'ids by bigint', 'ids by string'])
  for (const results of [...Object.values(ns), twoThreadsOverOne, largeOverSmall]) {
    expect(Object.keys(results)).toEqual(OPERATIONS)
  }
}, 30_000)
