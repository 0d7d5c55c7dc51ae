import { describe, expect, test } from 'vitest'
import type { SaleClock } from '@megacache/sale-clock'
import { World } from '../recorded-sales.ts'
import { saleAt } from '../../src/sale-schedule.ts'

const hourMs = 3_600_000
const ten = Date.UTC(2026, 0, 1, 10)
const id = (hour: number): number => (ten + (hour - 10) * hourMs) / 1_000

/** A clock that has opened the sale of ten o'clock, one second into it. */
async function openAtTen(options = {}) {
  const world = new World(ten + 1_000)
  const clock = world.saleClock({ periodMs: hourMs, ...options })
  const first = await clock.start()
  return { world, clock, first, sales: world.sales, timers: world.timers }
}

describe('start', () => {
  test('prepares the sale that covers now, opens it and resolves with it', async () => {
    const { clock, first, sales } = await openAtTen()
    expect(first).toEqual(saleAt(ten, hourMs))
    expect(sales.log).toEqual([`prepare ${id(10)}`, `open ${id(10)}`])
    expect(clock.current()).toEqual(first)
    expect(clock.next()).toEqual(saleAt(ten + hourMs, hourMs))
    expect(clock.isNextPrepared()).toBe(false)
  })

  test('has no current sale before the first one is open', async () => {
    const world = new World(ten)
    world.sales.takesMs.prepare = 100
    const clock = world.saleClock({ periodMs: hourMs })
    const started = clock.start()
    const notOpen = expect.objectContaining({ code: 'ERR_SALE_CLOCK_NOT_OPEN' })
    expect(() => clock.current()).toThrow(notOpen)
    expect(clock.next()).toBeUndefined()
    expect(clock.isNextPrepared()).toBe(false)
    await world.timers.advance(100)
    expect((await started).saleId).toBe(id(10))
  })

  // Who begins to serve when start resolves must not be without a sale a moment later. G11, G12
  test('waits for the preparation of the next sale when that should be prepared by now', async () => {
    const world = new World(ten + hourMs - 1_000)
    world.sales.takesMs.prepare = 300
    const clock = world.saleClock({ periodMs: hourMs })
    let started: number | undefined
    const start = async (): Promise<void> => { started = (await clock.start()).saleId }
    void start()
    await world.timers.advance(599)
    expect(world.sales.openedIds()).toEqual([id(10)])
    expect(started).toBeUndefined()
    await world.timers.advance(1)
    expect(started).toBe(id(10))
    expect(clock.isNextPrepared()).toBe(true)
  })

  test('resolves with the next sale when that opens while its preparation is awaited', async () => {
    const world = new World(ten + hourMs - 400)
    world.sales.takesMs.prepare = 300
    const started = world.saleClock({ periodMs: hourMs }).start()
    await world.timers.advance(600)
    expect(world.sales.openedIds()).toEqual([id(10), id(11)])
    expect((await started).saleId).toBe(id(11))
  })

  test('does not wait for a second try of the next sale', async () => {
    const world = new World(ten + hourMs - 1_000)
    const { prepare } = world.sales.callbacks()
    const clock = world.saleClock({
      periodMs: hourMs,
      prepare: (sale, signal) => sale.saleId === id(10) ? prepare(sale, signal) : Promise.reject(new Error('no')),
    })
    const started = clock.start()
    await world.timers.advance(1)
    expect((await started).saleId).toBe(id(10))
    expect(clock.isNextPrepared()).toBe(false)
  })

  test('is refused a second time and after stop', async () => {
    const { clock } = await openAtTen()
    await expect(clock.start()).rejects.toMatchObject({ code: 'ERR_SALE_CLOCK_STARTED' })
    await clock.stop()
    await expect(clock.start()).rejects.toMatchObject({ code: 'ERR_SALE_CLOCK_STOPPED' })
  })

  test('goes to the next sale when the boundary passes during the first preparation', async () => {
    const world = new World(ten + hourMs - 1_000)
    world.sales.takesMs.prepare = 5_000
    const clock = world.saleClock({ periodMs: hourMs })
    const started = clock.start()
    await world.timers.advance(10_000)
    expect((await started).saleId).toBe(id(11))
    expect(world.sales.openedIds()).toEqual([id(11)])
    await world.timers.advance(10_000)
    expect([...world.sales.retired]).toEqual([id(10)])
    expect(world.sales.violations).toEqual([])
  })
})

describe('rotation', () => {
  test('prepares a minute ahead, opens on the boundary and retires the old sale', async () => {
    // Looks at 30 s intervals would find the lead 30 s late, were it not waited for.
    const { world, clock, sales, timers } = await openAtTen({ stepCheckMs: 30_000 })
    await timers.advance(hourMs - 1_000 - 60_000 - 1)
    expect(sales.log).toHaveLength(2)
    await timers.advance(1)
    expect(sales.log.slice(2)).toEqual([`prepare ${id(11)}`])
    expect(clock.isNextPrepared()).toBe(true)
    await timers.advance(59_999)
    expect(clock.current().saleId).toBe(id(10))
    await timers.advance(1)
    expect(sales.log.slice(3)).toEqual([`open ${id(11)}`, `retire ${id(10)}`])
    expect(sales.opened.at(-1)?.atWallMs).toBe(ten + hourMs)
    expect(world.clock.wallMs()).toBe(ten + hourMs)
    expect(clock.current().saleId).toBe(id(11))
  })

  test('asks again until the old sale lets go, and never after that', async () => {
    const { sales, timers } = await openAtTen({ retirePollMs: 2_000 })
    sales.hasLiveReservations = true
    await timers.advance(hourMs - 1_000)
    await timers.advance(6_000)
    const retire = `retire ${id(10)}`
    expect(sales.log.filter((line) => line === retire)).toHaveLength(4)
    sales.hasLiveReservations = false
    await timers.advance(2_000)
    expect(sales.log.filter((line) => line === retire)).toHaveLength(5)
    await timers.advance(60_000)
    expect(sales.log.filter((line) => line === retire)).toHaveLength(5)
  })

  test('answers the new sale as current while open runs', async () => {
    const world = new World(ten)
    const seen: number[] = []
    const open = (): unknown => seen.push(clock.current().saleId)
    const clock = world.saleClock({ periodMs: hourMs, open })
    await clock.start()
    await world.timers.advance(hourMs)
    expect(seen).toEqual([id(10), id(11)])
  })

  test('waits on when a timer fires early', async () => {
    const { sales, timers } = await openAtTen()
    timers.lateMs = -1
    await timers.advance(hourMs)
    expect(sales.opened.at(-1)?.atWallMs).toBe(ten + hourMs)
    expect(sales.violations).toEqual([])
  })

  test('opens at once when a timer fires late', async () => {
    const { sales, timers } = await openAtTen()
    await timers.advance(hourMs - 1_000 - 500)
    timers.lateMs = 700
    await timers.advance(2_000)
    // The timer that was set before, and one that is late.
    expect(sales.opened.at(-1)?.sale.saleId).toBe(id(11))
    expect(sales.opened.at(-1)?.atWallMs).toBeLessThanOrEqual(ten + hourMs + 700)
    expect(sales.violations).toEqual([])
  })

  test('keeps to a period longer than a timer can wait', async () => {
    const world = new World(Date.UTC(2026, 0, 1))
    const periodMs = 30 * 86_400_000
    const clock = world.saleClock({ periodMs, stepCheckMs: 30_000 })
    const first = await clock.start()
    await world.timers.advance(first.endsAtMs - world.clock.wallMs())
    expect(world.sales.openedIds()).toEqual([first.saleId, first.endsAtMs / 1_000])
    expect(world.sales.opened.at(-1)?.atWallMs).toBe(first.endsAtMs)
  })

  test.each([
    { name: 'of 2 s', periodMs: 2_000, stepCheckMs: 1_000 },
    { name: 'of 1 h', periodMs: hourMs, stepCheckMs: 30_000 },
  ])('does not drift over 10,000 rotations $name', async ({ periodMs, stepCheckMs }) => {
    const world = new World(ten + 123)
    const clock = world.saleClock({ periodMs, stepCheckMs })
    await clock.start()
    for (let rotation = 0; rotation < 10_000; rotation++) {
      // Early by 1 ms, on time, late by up to 18 ms: a chain of timers would gather it all.
      world.timers.lateMs = (rotation % 20) - 1
      await world.timers.advance(periodMs)
    }
    const { opened, violations } = world.sales
    expect(violations).toEqual([])
    expect(opened).toHaveLength(10_001)
    const latest = opened.slice(1).map(({ sale, atWallMs }) => atWallMs - sale.startsAtMs)
    expect(Math.max(...latest)).toBeLessThanOrEqual(19)
    expect(world.sales.held.size).toBeLessThanOrEqual(2)
    await clock.stop()
    expect(world.timers.pendingCount).toBe(0)
  }, 60_000)
})

describe('stop', () => {
  test('leaves no timer and calls nothing any more', async () => {
    const { clock, sales, timers } = await openAtTen()
    await clock.stop()
    expect(timers.pendingCount).toBe(0)
    const calls = sales.log.length
    await timers.advance(3 * hourMs)
    expect(sales.log).toHaveLength(calls)
    expect(clock.current().saleId).toBe(id(10))
    expect(clock.next()).toBeUndefined()
  })

  test('aborts a preparation, waits for it and reports nothing', async () => {
    const world = new World(ten)
    const ending = Promise.withResolvers<void>()
    let aborted = false
    const clock = world.saleClock({
      periodMs: hourMs,
      prepare: (_sale, signal) => {
        signal.addEventListener('abort', () => (aborted = true))
        return ending.promise
      },
    })
    const started = clock.start()
    let isStopped = false
    const stopped = clock.stop().then(() => (isStopped = true))
    await expect(started).rejects.toMatchObject({ code: 'ERR_SALE_CLOCK_STOPPED' })
    await world.timers.advance(1_000)
    expect({ aborted, isStopped }).toEqual({ aborted: true, isStopped: false })
    world.clock.stepWall(5_000)
    ending.reject(new Error('aborted'))
    await stopped
    expect(world.sales.errors).toEqual([])
    expect(world.sales.steps).toEqual([])
    expect(world.timers.pendingCount).toBe(0)
  })

  test('never opens a sale whose preparation ends after it', async () => {
    const world = new World(ten)
    world.sales.takesMs.prepare = 500
    const clock = world.saleClock({ periodMs: hourMs })
    const started = clock.start()
    const stopped = clock.stop()
    await expect(started).rejects.toMatchObject({ code: 'ERR_SALE_CLOCK_STOPPED' })
    await world.timers.advance(hourMs)
    await stopped
    expect(world.sales.opened).toEqual([])
  })

  const callbackNames = ['prepare', 'open', 'retire', 'onStep'] as const
  const moments = callbackNames.flatMap((where) => [1, 2].map((nth) => ({ where, nth })))
  test.each(moments)('works from inside call $nth of $where', async ({ where, nth }) => {
    const world = new World(ten)
    world.sales.hasLiveReservations = true
    const callbacks = world.sales.callbacks()
    let left = nth
    let atStop: Promise<{ pending: number; calls: number }> | undefined
    const clock: SaleClock = world.saleClock({
      periodMs: hourMs,
      // Long enough that each opening is followed by the next preparation at once.
      prepareLeadMs: hourMs,
      [where]: (...args: [never, never]) => {
        const result = callbacks[where](...args)
        left -= 1
        atStop ??= left > 0 ? undefined : stopAndLook()
        return result
      },
    })
    async function stopAndLook() {
      const calls = world.sales.log.length
      await clock.stop()
      return { pending: world.timers.pendingCount, calls }
    }
    const started = clock.start().catch(() => {})
    for (let rotation = 0; rotation < 3; rotation++) {
      await world.timers.advance(2_000)
      world.clock.stepWall(hourMs)
    }
    await started
    // Nothing is called after the one that stopped it, not even what was due in the same look.
    expect(await atStop).toEqual({ pending: 0, calls: world.sales.log.length })
    await world.timers.advance(2 * hourMs)
    expect(world.timers.pendingCount).toBe(0)
  })

  test('before start needs nothing', async () => {
    const world = new World(ten)
    await world.saleClock({ periodMs: hourMs }).stop()
    expect(world.sales.log).toEqual([])
  })
})
