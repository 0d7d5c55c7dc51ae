import { expect, it } from 'vitest'
import { systemTime, WallTime } from './sale-time.ts'
import { ManualClock } from './testing/index.ts'

it('reads the wall clock once a millisecond', () => {
  const clock = new ManualClock({ monotonicMs: 100, wallMs: 5000 })
  const wallTime = new WallTime(clock)
  expect(wallTime.unixMsOf(150, 100)).toBe(5050)
  clock.stepWall(1000)
  clock.advance(0.5)
  expect(wallTime.unixMsOf(150, clock.monotonicMs())).toBe(5050)
  clock.advance(0.5)
  expect(wallTime.unixMsOf(150, clock.monotonicMs())).toBe(6050)
})

it('has a system clock that does not go back', () => {
  let last = systemTime.monotonicMs()
  for (let reading = 0; reading < 1000; reading++) {
    const now = systemTime.monotonicMs()
    expect(now).toBeGreaterThanOrEqual(last)
    last = now
  }
  expect(Math.abs(systemTime.wallMs() - Date.now())).toBeLessThan(1000)
})

it('has a manual clock that advances both times, steps one, and never goes back', () => {
  const clock = new ManualClock()
  const [monotonicMs, wallMs] = [clock.monotonicMs(), clock.wallMs()]
  clock.advance(5)
  clock.stepWall(-100)
  expect([clock.monotonicMs() - monotonicMs, clock.wallMs() - wallMs]).toEqual([5, -95])
  expect(() => { clock.advance(-1) }).toThrow(RangeError)
  expect(() => { clock.advance(Number.NaN) }).toThrow(RangeError)
})
