import { describe, expect, test } from 'vitest'
import type { ArrivalPlan } from './arrival-plan.ts'
import { type DueTimes, dueTimes } from './due-times.ts'
import { parseTrace } from './trace-file.ts'

function all(times: DueTimes | undefined): number[] {
  const found: number[] = []
  for (let due = times?.next() ?? Infinity; due !== Infinity; due = times?.next() ?? Infinity) {
    found.push(due)
    if (found.length > 1_000_000) throw new Error('does not end')
  }
  return found
}

function countBetween(times: readonly number[], fromMs: number, toMs: number): number {
  return times.filter((due) => due >= fromMs && due < toMs).length
}

describe('due times', () => {
  test('of a constant rate are even, begin at once and end with the run', () => {
    const found = all(dueTimes({ kind: 'constant', perSecond: 200 }, 1_000, 1))
    expect(found.length).toBe(200)
    expect(found.slice(0, 3)).toEqual([0, 5, 10])
    expect(found.at(-1)).toBeCloseTo(995, 6)
  })

  test('of a ramp grow in number with the rate', () => {
    const plan = { kind: 'ramp', fromPerSecond: 0.001, toPerSecond: 1_000 } as const
    const found = all(dueTimes(plan, 10_000, 1))
    expect(found.length).toBe(5_001)
    // The integral of a rate from 0 to 1,000 over ten seconds is 50 t^2.
    expect(countBetween(found, 0, 1_000)).toBeCloseTo(50, -1)
    expect(countBetween(found, 9_000, 10_000)).toBeCloseTo(950, -1)
  })

  test('of a ramp downwards end where the rate does', () => {
    const plan = { kind: 'ramp', fromPerSecond: 1_000, toPerSecond: 0.001 } as const
    const found = all(dueTimes(plan, 1_000, 1))
    expect(found.length).toBe(501)
    expect(found.every((due, i) => i === 0 || due >= (found[i - 1] ?? 0))).toBe(true)
    expect(found.at(-1)).toBeLessThanOrEqual(1_000)
  })

  test('of steps have the rate of each in its part', () => {
    const found = all(dueTimes({ kind: 'step', perSecond: [100, 10, 400] }, 3_000, 1))
    expect(countBetween(found, 0, 1_000)).toBe(100)
    expect(countBetween(found, 1_000, 2_000)).toBe(10)
    expect(countBetween(found, 2_000, 3_000)).toBe(400)
  })

  test('of a spike have its rate for its length only', () => {
    const found = all(
      dueTimes(
        { kind: 'spike', basePerSecond: 10, peakPerSecond: 1_000, atMs: 1_000, lengthMs: 500 },
        3_000,
        1,
      ),
    )
    expect(countBetween(found, 0, 1_000)).toBe(10)
    expect(countBetween(found, 1_000, 1_500)).toBe(500)
    expect(countBetween(found, 1_500, 3_000)).toBe(15)
  })

  test('of a Poisson process have its mean and its variance', () => {
    const found = all(dueTimes({ kind: 'constant', perSecond: 1_000, isPoisson: true }, 60_000, 7))
    expect(found.length).toBeGreaterThan(60_000 - 4 * 245)
    expect(found.length).toBeLessThan(60_000 + 4 * 245)
    const gaps = found.slice(1).map((due, i) => due - (found[i] ?? 0))
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length
    expect(mean).toBeCloseTo(1, 1)
    // Exponential gaps: the standard deviation is the mean. Even ones would have none.
    expect(Math.sqrt(variance) / mean).toBeGreaterThan(0.95)
    expect(Math.sqrt(variance) / mean).toBeLessThan(1.05)
  })

  test('are the same for the same seed and others for another', () => {
    const plan = { kind: 'constant', perSecond: 50, isPoisson: true } as const
    expect(all(dueTimes(plan, 2_000, 3))).toEqual(all(dueTimes(plan, 2_000, 3)))
    expect(all(dueTimes(plan, 2_000, 3))).not.toEqual(all(dueTimes(plan, 2_000, 4)))
  })

  test.each<ArrivalPlan>([
    { kind: 'constant', perSecond: 333 },
    { kind: 'ramp', fromPerSecond: 10, toPerSecond: 700 },
    { kind: 'step', perSecond: [1, 500, 20] },
    { kind: 'trace', dueMs: [0, 1, 1, 5, 90, 400, 1_500] },
  ])('of the shards of $kind together are those of the whole', (plan) => {
    const whole = all(dueTimes(plan, 2_000, 1))
    const parts = [0, 1, 2].flatMap((index) => all(dueTimes(plan, 2_000, 1, { index, count: 3 })))
    const sorted = parts.toSorted((a, b) => a - b)
    expect(sorted.length).toBe(whole.length)
    for (const [i, due] of whole.entries()) expect(sorted[i]).toBeCloseTo(due, 6)
  })

  test('of the shards of a Poisson process differ and have its rate together', () => {
    const plan = { kind: 'constant', perSecond: 500, isPoisson: true } as const
    const parts = [0, 1].map((index) => all(dueTimes(plan, 20_000, 9, { index, count: 2 })))
    expect(parts[0]).not.toEqual(parts[1])
    for (const part of parts) expect(Math.abs(part.length - 5_000)).toBeLessThan(4 * 71)
  })

  test.each<[string, ArrivalPlan]>([
    ['a rate of nothing', { kind: 'constant', perSecond: 0 }],
    ['a rate that is no number', { kind: 'constant', perSecond: Number.NaN }],
    ['no steps', { kind: 'step', perSecond: [] }],
    ['a trace that goes back', { kind: 'trace', dueMs: [5, 4] }],
    [
      'a spike after the end',
      { kind: 'spike', basePerSecond: 1, peakPerSecond: 2, atMs: 900, lengthMs: 200 },
    ],
  ])('refuse %s', (_name, plan) => {
    expect(() => dueTimes(plan, 1_000, 1)).toThrow(
      expect.objectContaining({ code: 'LOADGEN_OPTION_INVALID' }),
    )
  })
})

describe('a trace', () => {
  test('has one moment a line, and comments', () => {
    expect(parseTrace('# recorded\n0\n1.5\n\n20\n', 't')).toEqual([0, 1.5, 20])
  })

  test('with absolute times begins with its first line', () => {
    expect(parseTrace('1800000000000\n1800000000250\n', 't')).toEqual([0, 250])
  })

  test('names the line that is none', () => {
    expect(() => parseTrace('1\nx\n', 'a.trace')).toThrow('a.trace:2')
  })
})
