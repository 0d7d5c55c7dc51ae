import { expect, test } from 'vitest'
import { LatencyHistogram } from '../latency-histogram.ts'
import type { LoadClock } from '../load-clock.ts'
import { ThreadMeter } from './thread-meter.ts'

/** A clock that a test moves; timers run when it has reached their time, however far beyond. */
class ManualClock implements LoadClock {
  private nowMs = 1_000
  private timers: { readonly atMs: number; readonly run: () => void }[] = []

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
    const timer = { atMs: this.nowMs + delayMs, run }
    this.timers.push(timer)
    return () => void (this.timers = this.timers.filter((other) => other !== timer))
  }

  setTurn(run: () => void): () => void {
    return this.setTimer(0, run)
  }

  /** Moves on; with `isStalled` no timer runs before the end. */
  advance(lengthMs: number, isStalled: boolean): void {
    const untilMs = this.nowMs + lengthMs
    if (isStalled) this.nowMs = untilMs
    for (;;) {
      const [next] = this.timers.toSorted((one, other) => one.atMs - other.atMs)
      if (next === undefined || next.atMs > untilMs) break
      this.timers = this.timers.filter((other) => other !== next)
      this.nowMs = Math.max(this.nowMs, next.atMs)
      next.run()
    }
    this.nowMs = untilMs
  }
}

const CPU = { cpuMs: () => 0, activeMs: () => 0, starvedMs: () => 0 }

function lagAfter(...parts: (readonly [number, boolean])[]): LatencyHistogram {
  const clock = new ManualClock()
  const meter = new ThreadMeter(clock, CPU)
  meter.start()
  for (const [lengthMs, isStalled] of parts) clock.advance(lengthMs, isStalled)
  const lag = new LatencyHistogram()
  lag.addSparse(meter.take().loopLag)
  meter.stop()
  return lag
}

test('the lag of an event loop on time is nothing', () => {
  const lag = lagAfter([10_000, false])
  expect(lag.count).toBe(1_000)
  expect(lag.summary().max).toBeLessThan(0.01)
})

test('a stall counts for as long as it lasts', () => {
  // One second of ten: a tenth of the time, and what comes within it waits for its end.
  const lag = lagAfter([4_500, false], [1_000, true], [4_500, false])
  const { p50, p90, p99 } = lag.summary()
  expect(lag.count).toBe(1_000)
  expect(p50).toBeLessThan(1)
  expect(p90).toBeLessThan(20)
  expect(p99).toBeGreaterThan(880)
})

test('stalls one after the other all count, and the schedule is kept', () => {
  const stalls = Array.from({ length: 20 }, () => [[400, false], [100, true]] as const).flat()
  const lag = lagAfter(...stalls)
  expect(lag.count).toBe(1_000)
  expect(lag.summary().p90).toBeGreaterThan(40)
})
