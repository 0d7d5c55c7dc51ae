import { expect, test } from 'vitest'
import { SteadyTime } from './steady-time.ts'

function machine(): { monotonic: number; wall: number; boot: number | undefined; time: () => SteadyTime } {
  const state = {
    monotonic: 1_000_000,
    wall: 1_700_000_000_000,
    boot: 1_000_000 as number | undefined,
    time: () => new SteadyTime({
      monotonicMs: () => state.monotonic, wallMs: () => state.wall, bootMs: () => state.boot,
    }),
  }
  return state
}

function pass(state: ReturnType<typeof machine>, ms: number, { suspendedMs = 0, steppedMs = 0 } = {}): void {
  state.monotonic += ms
  state.wall += ms + suspendedMs + steppedMs
  if (state.boot !== undefined) state.boot += ms + suspendedMs
}

test('runs with the monotonic clock', () => {
  const state = machine()
  const time = state.time()
  const before = time.monotonicMs()
  pass(state, 1_234)
  expect(time.monotonicMs() - before).toBe(1_234)
})

test('counts the time for which the machine was suspended', () => {
  const state = machine()
  const time = state.time()
  const before = time.monotonicMs()
  pass(state, 10, { suspendedMs: 60_000 })
  expect(time.monotonicMs() - before).toBe(60_010)
  pass(state, 5, { suspendedMs: 700 })
  expect(time.monotonicMs() - before).toBe(60_715)
})

test('takes no notice of wall time that is set forward or back', () => {
  const state = machine()
  const time = state.time()
  const before = time.monotonicMs()
  pass(state, 10, { steppedMs: 3_600_000 })
  expect(time.monotonicMs() - before).toBe(10)
  pass(state, 10, { steppedMs: -7_200_000 })
  expect(time.monotonicMs() - before).toBe(20)
})

test('tells a suspension from a step that comes with it', () => {
  const state = machine()
  const time = state.time()
  const before = time.monotonicMs()
  pass(state, 10, { suspendedMs: 2_000, steppedMs: -9_000 })
  expect(time.monotonicMs() - before).toBe(2_010)
})

// Simulated world 449 of 7feb37a: an idle thread had seen neither.
test('finds a suspension that a step has all but hidden', () => {
  const state = machine()
  const idle = state.time()
  const busy = state.time()
  pass(state, 10, { steppedMs: -700 })
  busy.monotonicMs()
  pass(state, 10, { suspendedMs: 950 })
  expect(idle.monotonicMs()).toBe(busy.monotonicMs())
  expect(idle.monotonicMs()).toBe(1_000_970)
})

test('counts short suspensions too', () => {
  const state = machine()
  const time = state.time()
  pass(state, 10, { suspendedMs: 300 })
  expect(time.monotonicMs()).toBe(1_000_310)
})

test('takes a reading that was interrupted again', () => {
  let [monotonic, boot, wall, reads] = [1_000, 1_000, 5_000, 0]
  const time = new SteadyTime({
    monotonicMs: () => monotonic,
    wallMs: () => wall,
    bootMs: () => {
      const read = boot
      // The first reading after the suspension stands still for 100 ms between its clocks.
      if (++reads === 2) [monotonic, boot, wall] = [monotonic + 100, boot + 100, wall + 100]
      return read
    },
  })
  ;[boot, wall] = [boot + 1_000, wall + 1_000]
  time.monotonicMs()
  expect(time.monotonicMs()).toBe(2_100)
})

test('agrees between a thread that lived through a suspension and one that started after it', () => {
  const state = machine()
  const older = state.time()
  pass(state, 10, { suspendedMs: 60_003 })
  const younger = state.time()
  expect(older.monotonicMs()).toBe(younger.monotonicMs())
})

test('never goes back', () => {
  const state = machine()
  const time = state.time()
  let last = time.monotonicMs()
  const moves = [{ suspendedMs: 900 }, { steppedMs: -2_000 }, { steppedMs: 2_000 }, { suspendedMs: 501, steppedMs: -501 }]
  for (const move of moves) {
    pass(state, 1, move)
    const now = time.monotonicMs()
    expect(now).toBeGreaterThan(last)
    last = now
  }
})

test('is the monotonic clock where the time since boot is not known', () => {
  const state = machine()
  state.boot = undefined
  const time = state.time()
  const before = time.monotonicMs()
  pass(state, 10, { suspendedMs: 60_000 })
  expect(time.monotonicMs() - before).toBe(10)
})

test('reads the clocks of this machine', () => {
  const time = new SteadyTime()
  const first = time.monotonicMs()
  expect(time.monotonicMs()).toBeGreaterThanOrEqual(first)
  expect(Math.abs(time.wallMs() - Date.now())).toBeLessThan(1_000)
})
