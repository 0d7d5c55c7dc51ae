import { expect, test } from 'vitest'
import { dueTimes } from '../arrivals/due-times.ts'
import { LatencyHistogram } from '../latency-histogram.ts'
import type { LoadClock } from '../load-clock.ts'
import { SeededRandom } from '../seeded-random.ts'
import { ArrivalPacer } from './arrival-pacer.ts'
import { ArrivalQueue } from './arrival-queue.ts'
import { Timers } from './timers.ts'

/** A clock whose timers are as coarse as those of Node, and whose turns take a few microseconds. */
class CoarseClock implements LoadClock {
  nowMs = 0
  turnCount = 0
  private readonly random = new SeededRandom(5)
  private next: { readonly atMs: number; readonly run: () => void } | undefined

  monotonicMs(): number {
    return this.nowMs
  }

  wallMs(): number {
    return this.nowMs
  }

  cpuMs(): number {
    return 0
  }

  setTimer(delayMs: number, run: () => void): () => void {
    this.next = { atMs: Math.floor(this.nowMs) + Math.max(1, Math.trunc(delayMs)) + 0.08, run }
    return () => {}
  }

  setTurn(run: () => void): () => void {
    this.turnCount++
    this.next = { atMs: this.nowMs + 0.002 + this.random.below(3) / 1_000, run }
    return () => {}
  }

  runAll(): void {
    while (this.next !== undefined) {
      const { atMs, run } = this.next
      this.next = undefined
      this.nowMs = Math.max(this.nowMs, atMs)
      run()
    }
  }
}

/** When arrivals were due and when they were taken up, and the time that was spun. */
function paced(perSecond: number, lengthMs: number): { due: number[]; taken: number[]; spunMs: number; clock: CoarseClock } {
  const clock = new CoarseClock()
  const timers = new Timers(clock, (error) => {
    throw error
  })
  const arrivals = new ArrivalQueue(dueTimes({ kind: 'constant', perSecond, isPoisson: true }, lengthMs, 3))
  const due: number[] = []
  const taken: number[] = []
  let spunMs = 0
  const pacer = new ArrivalPacer(clock, timers, arrivals, {
    takeUp: (nowMs) => {
      while (arrivals.nextDueAtMs <= nowMs) {
        due.push(arrivals.take())
        taken.push(nowMs)
      }
    },
    spun: (ms) => {
      spunMs += ms
    },
    over: () => {},
  })
  arrivals.start(0)
  pacer.arm()
  clock.runAll()
  return { due, taken, spunMs, clock }
}

/** Distance of Kolmogorov and Smirnov of the gaps from the exponential distribution of this mean. */
function distanceFromExponential(moments: readonly number[], meanMs: number): number {
  const gaps = moments.slice(1).map((at, i) => at - (moments[i] ?? 0)).toSorted((a, b) => a - b)
  let largest = 0
  for (const [i, gap] of gaps.entries()) {
    const share = 1 - Math.exp(-gap / meanMs)
    largest = Math.max(largest, Math.abs((i + 1) / gaps.length - share), Math.abs(i / gaps.length - share))
  }
  return largest
}

test.each([400, 6_000])('arrivals of a Poisson process of %d/s are sent as they are due', (perSecond) => {
  // Two thousand gaps: what is further from the exponential than this is so by chance once in twenty times.
  const { due, taken } = paced(perSecond, (2_000 * 1_000) / perSecond)
  const critical = 1.36 / Math.sqrt(due.length - 1)
  // The due times themselves are not rounded to anything.
  expect(distanceFromExponential(due, 1_000 / perSecond)).toBeLessThan(critical)
  expect(due.filter((at) => Number.isInteger(at)).length).toBeLessThan(2)
  expect(distanceFromExponential(taken, 1_000 / perSecond)).toBeLessThan(critical)
  for (const [i, at] of taken.entries()) expect(at - (due[i] ?? 0)).toBeGreaterThanOrEqual(0)
})

test('a thread that has long to wait sleeps, and its turns are told as time to spare', () => {
  const { clock, spunMs, due } = paced(10, 2_000)
  expect(spunMs).toBeLessThan(1.2 * due.length)
  expect(clock.turnCount).toBeGreaterThan(0)
})

test('pacing ends when nobody takes up what is due', () => {
  const clock = new CoarseClock()
  const timers = new Timers(clock, () => {})
  const arrivals = new ArrivalQueue(dueTimes({ kind: 'constant', perSecond: 100 }, 1_000, 1))
  const pacer = new ArrivalPacer(clock, timers, arrivals, { takeUp: () => {}, spun: () => {}, over: () => {} })
  arrivals.start(0)
  pacer.arm()
  clock.runAll()
  expect(clock.nowMs).toBeLessThan(100)
})

test('the distance between two sets of gaps is that of their distributions', () => {
  const [even, clumped] = [new LatencyHistogram(), new LatencyHistogram()]
  for (let i = 0; i < 100; i++) {
    even.record(0.25)
    clumped.record(i % 4 === 0 ? 1 : 0)
  }
  expect(even.distanceTo(clumped)).toBeCloseTo(0.75, 9)
  expect(even.distanceTo(even)).toBe(0)
  expect(even.distanceTo(new LatencyHistogram())).toBe(0)
})
