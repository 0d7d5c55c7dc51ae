import { expect, test } from 'vitest'
import { Latency } from './latency.ts'

test('gives percentiles in milliseconds within three digits', () => {
  const latency = new Latency()
  for (let ms = 1; ms <= 1_000; ms++) latency.record(5_000, 5_000 + ms)
  const { p50, p90, p99, p999, max, mean } = latency.summary()
  for (const [found, exact] of [
    [p50, 500],
    [p90, 900],
    [p99, 990],
    [p999, 999],
    [max, 1_000],
    [mean, 500.5],
  ] as const) {
    expect(Math.abs(found - exact) / exact).toBeLessThan(0.002)
  }
})

test('is zero when nothing was measured and keeps what is out of range', () => {
  const latency = new Latency()
  expect(latency.summary()).toEqual({ p50: 0, p90: 0, p99: 0, p999: 0, max: 0, mean: 0 })
  latency.record(10, 10)
  latency.record(0, 1e12)
  expect(latency.summary().p50).toBe(0.001)
  expect(latency.summary().max).toBeGreaterThan(3_500_000)
})

test('adds what another has measured', () => {
  const one = new Latency()
  const other = new Latency()
  one.record(0, 1)
  other.record(0, 100)
  one.add(other)
  expect(one.summary().max).toBeGreaterThanOrEqual(100)
})
