import { expect, test } from 'vitest'
import { HistoryChecker } from '../../src/invariants/history-checker.ts'
import { LONG_RUN, longHistory } from './long-history.ts'

/**
 * The smallest of three ratios, or the first that is small enough: others on the machine take caches
 * and clock speed from one measurement, hardly from all.
 */
function smallestRatio(limit: number, measure: () => number): number {
  let smallest = Number.POSITIVE_INFINITY
  for (let pair = 0; pair < 3 && smallest >= limit; pair++) smallest = Math.min(smallest, measure())
  return smallest
}

/** Checks a history as it grows; returns the CPU time that it took and the most that was kept. */
function check(callCount: number): { cpuMs: number; keptMax: number } {
  const checker = new HistoryChecker({ lagMs: 1_000, retainMs: 1_000 })
  checker.run(LONG_RUN)
  let keptMax = 0
  let count = 0
  const before = process.cpuUsage()
  for (const call of longHistory(callCount)) {
    checker.call(call)
    if (++count % 10_000 === 0) keptMax = Math.max(keptMax, checker.keptCount)
  }
  const verification = checker.finish()
  const used = process.cpuUsage(before)
  expect(verification.violations).toEqual([])
  expect(verification.checked.refusedCalls).toBeGreaterThan(callCount * 0.7)
  return { cpuMs: (used.user + used.system) / 1_000, keptMax }
}

test('ten times the calls take about ten times the time and no more memory', () => {
  check(100_000)
  const ratio = smallestRatio(15, () => {
    const small = check(100_000)
    const large = check(1_000_000)
    expect(large.keptMax / small.keptMax).toBeLessThan(2)
    return large.cpuMs / small.cpuMs
  })
  expect(ratio).toBeLessThan(15)
}, 120_000)

test('one item, one user and one code that everything happens to take no longer each', () => {
  const crowded = (callCount: number): number => {
    const checker = new HistoryChecker()
    checker.run({ ...LONG_RUN, userLimit: 1_000_000 })
    const before = process.cpuUsage()
    for (const call of longHistory(callCount)) {
      const { itemId: _spread, ...rest } = call
      checker.call({ ...rest, itemId: 0, userId: '1', step: call.code === '' ? 'purchase' : 'checkout' })
    }
    checker.finish()
    const used = process.cpuUsage(before)
    return (used.user + used.system) / 1_000
  }
  crowded(20_000)
  expect(smallestRatio(20, () => crowded(200_000) / crowded(20_000))).toBeLessThan(20)
}, 120_000)
