import { describe, expect, test } from 'vitest'
import { World } from '../recorded-sales.ts'
import { saleAt } from '../../src/sale-schedule.ts'

const hourMs = 3_600_000
const ten = Date.UTC(2026, 0, 1, 10)
const id = (hour: number): number => (ten + (hour - 10) * hourMs) / 1_000

async function openAtTen(options = {}) {
  const world = new World(ten + 1_000)
  const clock = world.saleClock({ periodMs: hourMs, ...options })
  await clock.start()
  return { world, clock, sales: world.sales, timers: world.timers }
}

describe('failing callbacks', () => {
  test('repeats a failing preparation after 100 ms, doubling to 5 s, without end', async () => {
    const world = new World(ten)
    world.sales.failures.prepare = Infinity
    const calledAtMs: number[] = []
    const { prepare } = world.sales.callbacks()
    const clock = world.saleClock({
      periodMs: hourMs,
      prepare: (sale, signal) => {
        calledAtMs.push(world.clock.wallMs() - ten)
        return prepare(sale, signal)
      },
    })
    const started = clock.start()
    await world.timers.advance(30_000)
    expect(calledAtMs).toEqual([
      0, 100, 300, 700, 1_500, 3_100, 6_300, 11_300, 16_300, 21_300, 26_300,
    ])
    expect(world.sales.errors).toHaveLength(11)
    expect(world.sales.errors[0]).toMatchObject({ phase: 'prepare', saleId: id(10) })
    world.sales.failures.prepare = 0
    await world.timers.advance(5_000)
    expect((await started).saleId).toBe(id(10))
  })

  test('opens late, as soon as it is prepared, and tries at once at the start', async () => {
    const { world, sales, timers } = await openAtTen()
    sales.failures.prepare = Infinity
    // The back-off has reached 5 s long before eleven; at eleven it starts over.
    await timers.advance(hourMs - 1_000)
    expect(sales.openedIds()).toEqual([id(10)])
    sales.failures.prepare = 1
    await timers.advance(0)
    sales.failures.prepare = 0
    await timers.advance(1_000)
    expect(sales.openedIds()).toEqual([id(10), id(11)])
    expect(sales.opened.at(-1)?.atWallMs).toBeLessThanOrEqual(ten + hourMs + 300)
    expect(world.sales.violations).toEqual([])
  })

  test('reports an open that throws and does not open the sale twice', async () => {
    const { clock, sales, timers } = await openAtTen()
    sales.failures.open = 1
    await timers.advance(hourMs)
    expect(sales.errors).toMatchObject([{ phase: 'open', saleId: id(11) }])
    expect(clock.current().saleId).toBe(id(11))
    expect(sales.openedIds()).toEqual([id(10), id(11)])
  })

  test('repeats a failing retirement with back-off', async () => {
    const { sales, timers } = await openAtTen()
    sales.failures.retire = 3
    await timers.advance(hourMs - 1_000)
    await timers.advance(699)
    expect([...sales.held]).toEqual([id(10), id(11)])
    await timers.advance(1)
    expect(sales.errors.map(({ phase }) => phase)).toEqual(['retire', 'retire', 'retire'])
    expect([...sales.held]).toEqual([id(11)])
  })

  test('takes a callback that throws instead of rejecting for a failed one', async () => {
    const world = new World(ten)
    let isBroken = true
    const clock = world.saleClock({
      periodMs: hourMs,
      prepare: () => {
        if (!isBroken) return Promise.resolve()
        isBroken = false
        throw new Error('not even a promise')
      },
    })
    const started = clock.start()
    await world.timers.advance(100)
    expect((await started).saleId).toBe(id(10))
    expect(world.sales.errors).toMatchObject([{ phase: 'prepare' }])
  })

  test('does not wait for a preparation that hangs when its sale is over', async () => {
    const world = new World(ten)
    const { prepare } = world.sales.callbacks()
    let hangs = true
    const aborted: number[] = []
    const clock = world.saleClock({
      periodMs: hourMs,
      prepare: (sale, signal) => {
        if (!hangs) return prepare(sale, signal)
        hangs = false
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted.push(sale.saleId)
            reject(new Error('aborted'))
          })
        })
      },
    })
    const started = clock.start()
    await world.timers.advance(hourMs)
    expect((await started).saleId).toBe(id(11))
    expect(aborted).toEqual([id(10)])
    expect(world.sales.errors).toEqual([])
  })
})

describe('steps of the wall clock', () => {
  test('skips what was slept through, opens what covers now and retires the rest', async () => {
    const { world, clock, sales, timers } = await openAtTen()
    // Eleven is prepared when the lid closes.
    await timers.advance(hourMs - 31_000)
    world.clock.suspend(3 * hourMs)
    await timers.advance(1_000)
    expect(sales.steps).toEqual([{ deltaMs: 3 * hourMs, kind: 'suspend-or-step-forward' }])
    expect(clock.current().saleId).toBe(id(13))
    expect(sales.openedIds()).toEqual([id(10), id(13)])
    expect([...sales.retired]).toEqual([id(10), id(11)])
    expect(sales.violations).toEqual([])
  })

  test('stays with the open sale after a step back, until its end comes again', async () => {
    const { world, clock, sales, timers } = await openAtTen()
    world.clock.stepWall(-2 * hourMs)
    await timers.advance(1_000)
    expect(sales.steps).toEqual([{ deltaMs: -2 * hourMs, kind: 'step-back' }])
    await timers.advance(2 * hourMs)
    expect(clock.current().saleId).toBe(id(10))
    await timers.advance(hourMs)
    expect(sales.openedIds()).toEqual([id(10), id(11)])
    expect(sales.violations).toEqual([])
  })

  test('does not open a sale that the clock left again while it was prepared', async () => {
    const { world, clock, sales, timers } = await openAtTen()
    sales.takesMs.prepare = 1_500
    world.clock.stepWall(5 * hourMs)
    await timers.advance(1_000)
    world.clock.stepWall(-5 * hourMs)
    await timers.advance(5_000)
    expect(clock.current().saleId).toBe(id(10))
    expect(sales.openedIds()).toEqual([id(10)])
    // What was prepared too early waits for its turn and is not prepared again.
    await timers.advance(5 * hourMs)
    expect(sales.openedIds()).toEqual([10, 11, 12, 13, 14, 15].map(id))
    expect(sales.log.filter((line) => line === `prepare ${id(15)}`)).toHaveLength(1)
    expect(sales.violations).toEqual([])
  })

  test('looks at the clock at least once a second by default', async () => {
    const { world, sales, timers } = await openAtTen()
    for (let look = 0; look < 5; look++) {
      world.clock.stepWall(600)
      await timers.advance(1_000)
    }
    expect(sales.steps).toHaveLength(5)
  })

  test('survives a listener that throws, which surfaces on its own', async () => {
    const uncaught: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => uncaught.push(error))
    try {
      const thrown = new Error('bug of the listener')
      const { world, sales, timers } = await openAtTen({
        onStep: () => {
          throw thrown
        },
        onError: () => {
          throw thrown
        },
      })
      sales.failures.prepare = 1
      world.clock.stepWall(hourMs)
      await timers.advance(2_000)
      expect(uncaught).toEqual([thrown, thrown])
      expect(sales.openedIds()).toEqual([id(10), id(11)])
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
  })
})

describe('restart', () => {
  const stored = { saleId: id(10), startsAtMs: ten, endsAtMs: ten + hourMs }

  test('keeps the stored end of the running sale when the period has changed', async () => {
    const periodMs = 7 * 60_000
    const { clock, sales, timers } = await openAtTen({ periodMs, current: stored })
    expect(clock.current()).toEqual(stored)
    expect(clock.next()?.startsAtMs).toBe(stored.endsAtMs)
    await timers.advance(hourMs - 1_000)
    expect(clock.current().saleId).toBe(id(11))
    expect(clock.current().endsAtMs % periodMs).toBe(0)
    await timers.advance(2 * periodMs)
    expect(sales.violations).toEqual([])
    expect(sales.opened.length).toBeGreaterThanOrEqual(3)
  })

  test('reopens the stored sale when the clock stepped back behind its start', async () => {
    const world = new World(ten - 5 * hourMs)
    const clock = world.saleClock({ periodMs: hourMs, current: stored })
    expect((await clock.start()).saleId).toBe(id(10))
    await world.timers.advance(6 * hourMs)
    expect(world.sales.openedIds()).toEqual([id(10), id(11)])
    expect(world.sales.violations).toEqual([])
  })

  test('goes on from a stored sale that is over, and retires it if restored', async () => {
    const world = new World(ten + 2.5 * hourMs)
    world.sales.held.add(id(10))
    const clock = world.saleClock({ periodMs: hourMs, current: stored, restored: [stored] })
    expect((await clock.start()).saleId).toBe(id(12))
    expect([...world.sales.retired]).toEqual([id(10)])
    expect([...world.sales.held]).toEqual([id(12)])
    expect(world.sales.violations).toEqual([])
  })

  test('follows the terms that prepare found stored', async () => {
    const { clock, sales, timers } = await openAtTen()
    const long = { saleId: id(11), startsAtMs: ten + hourMs, endsAtMs: ten + 3.5 * hourMs }
    sales.stored.set(long.saleId, long)
    await timers.advance(hourMs - 2_000)
    expect(clock.next()).toEqual(long)
    await timers.advance(3 * hourMs)
    expect(sales.opened.map(({ sale }) => [sale.saleId, sale.endsAtMs])).toEqual([
      [id(10), ten + hourMs],
      [id(11), ten + 3.5 * hourMs],
      [id(13) + 1_800, ten + 4 * hourMs],
    ])
    expect(sales.violations).toEqual([])
  })

  test('moves on when the stored terms say that the sale is over already', async () => {
    const world = new World(ten + 40 * 60_000)
    world.sales.stored.set(id(10), { ...stored, endsAtMs: ten + 30 * 60_000 })
    const clock = world.saleClock({ periodMs: hourMs })
    expect(await clock.start()).toEqual({
      saleId: id(10) + 1_800,
      startsAtMs: ten + 30 * 60_000,
      endsAtMs: ten + hourMs,
    })
    await world.timers.advance(0)
    expect([...world.sales.retired]).toEqual([id(10)])
    expect(world.sales.violations).toEqual([])
  })

  test('passes over stored sales that are all over', async () => {
    const restored = [0, 10, 20].map((minute) => {
      const startsAtMs = ten + minute * 60_000
      return { saleId: startsAtMs / 1_000, startsAtMs, endsAtMs: startsAtMs + 600_000 }
    })
    const world = new World(ten + 40 * 60_000)
    restored.forEach(({ saleId }) => world.sales.held.add(saleId))
    const clock = world.saleClock({ periodMs: hourMs, current: saleAt(ten, 600_000), restored })
    expect(await clock.start()).toEqual({
      saleId: id(10) + 1_800,
      startsAtMs: ten + 30 * 60_000,
      endsAtMs: ten + hourMs,
    })
    await world.timers.advance(0)
    expect([...world.sales.held]).toEqual([id(10) + 1_800])
    expect(world.sales.violations).toEqual([])
  })

  test('reports stored terms of another sale as a failed preparation', async () => {
    const { sales, timers } = await openAtTen()
    sales.stored.set(id(11), saleAt(ten, hourMs))
    await timers.advance(hourMs)
    expect(sales.openedIds()).toEqual([id(10)])
    expect(sales.errors[0]?.error).toBeInstanceOf(RangeError)
    sales.stored.delete(id(11))
    await timers.advance(5_000)
    expect(sales.openedIds()).toEqual([id(10), id(11)])
  })
})
