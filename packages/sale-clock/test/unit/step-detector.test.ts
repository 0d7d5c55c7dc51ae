import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { StepDetector } from '../../src/step-detector.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'

test('reports a step forward and a step back by their size', () => {
  const clock = new ManualClock(1_000_000)
  const steps = new StepDetector(clock)
  clock.stepWall(501)
  expect(steps.check()).toEqual({ deltaMs: 501, kind: 'suspend-or-step-forward' })
  clock.stepWall(-3_600_000)
  expect(steps.check()).toEqual({ deltaMs: -3_600_000, kind: 'step-back' })
  expect(steps.check()).toBeUndefined()
})

test('reports a suspended machine', () => {
  const clock = new ManualClock()
  const steps = new StepDetector(clock)
  clock.suspend(3 * 3_600_000)
  expect(steps.check()?.kind).toBe('suspend-or-step-forward')
})

test('says nothing about the passing of time, small jumps and slow drift', () => {
  const clock = new ManualClock(1_000_000)
  const steps = new StepDetector(clock)
  clock.advance(86_400_000)
  expect(steps.check()).toBeUndefined()
  clock.stepWall(500)
  expect(steps.check()).toBeUndefined()
  clock.stepWall(-500)
  expect(steps.check()).toBeUndefined()
  // 500 parts per million, the most that a time daemon slews, for a day: 43 s in total.
  for (let second = 0; second < 86_400; second++) {
    clock.advance(1_000)
    clock.stepWall(0.5)
    expect(steps.check()).toBeUndefined()
  }
})

test('takes a thread that stalls between the two clocks for a stall, not for a step', () => {
  const inner = new ManualClock(1_000_000)
  let stallMs = 0
  const clock = {
    wallMs: () => {
      inner.advance(stallMs)
      return inner.wallMs()
    },
    monotonicMs: () => inner.monotonicMs(),
  }
  const steps = new StepDetector(clock)
  stallMs = 2_000
  expect(steps.check()).toBeUndefined()
  stallMs = 0
  expect(steps.check()).toBeUndefined()
  inner.stepWall(5_000)
  expect(steps.check()?.deltaMs).toBe(5_000)
})

test('finds this machine running without a step', () => {
  const steps = new StepDetector(systemClock)
  expect(steps.check()).toBeUndefined()
  expect(Math.abs(systemClock.wallMs() - Date.now())).toBeLessThan(500)
  expect(systemClock.monotonicMs()).toBeLessThanOrEqual(systemClock.monotonicMs())
})
