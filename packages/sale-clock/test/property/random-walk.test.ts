import fc from 'fast-check'
import type { SaleClock, SaleClockError } from '@megacache/sale-clock'
import { expect, test } from 'vitest'
import { checkAsyncProperty } from '../check-property.ts'
import { World } from '../recorded-sales.ts'

/** One thing that happens to a running clock. */
type Happening =
  | { kind: 'advance' | 'suspend' | 'stepWall' | 'late'; ms: number }
  | { kind: 'prepareTakes' | 'retireTakes'; ms: number }
  | { kind: 'prepareFails' | 'retireFails' | 'openFails'; count: number }
  | { kind: 'liveReservations'; isLive: boolean }
  | { kind: 'restart'; periodMs: number }

const periods = fc.constantFrom(1_000, 2_000, 5_000, 7_000, 60_000)

function ofMs(kind: 'advance' | 'suspend' | 'stepWall', min: number, max: number) {
  return fc.integer({ min, max }).map((ms): Happening => ({ kind, ms }))
}

const happenings: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: ofMs('advance', 0, 15_000) },
  { weight: 2, arbitrary: ofMs('suspend', 0, 200_000) },
  { weight: 3, arbitrary: ofMs('stepWall', -100_000, 100_000) },
  { weight: 3, arbitrary: ofMs('stepWall', -1_000, 1_000) },
  fc.integer({ min: -1, max: 3_000 }).map((ms): Happening => ({ kind: 'late', ms })),
  fc.integer({ min: 0, max: 4_000 }).map((ms): Happening => ({ kind: 'prepareTakes', ms })),
  fc.integer({ min: 0, max: 4_000 }).map((ms): Happening => ({ kind: 'retireTakes', ms })),
  fc.integer({ min: 0, max: 8 }).map((count): Happening => ({ kind: 'prepareFails', count })),
  fc.integer({ min: 0, max: 4 }).map((count): Happening => ({ kind: 'retireFails', count })),
  fc.integer({ min: 0, max: 1 }).map((count): Happening => ({ kind: 'openFails', count })),
  fc.boolean().map((isLive): Happening => ({ kind: 'liveReservations', isLive })),
  periods.map((periodMs): Happening => ({ kind: 'restart', periodMs })),
)

const walks = fc.array(happenings, { minLength: 10, maxLength: 60, size: 'max' })

/** Applies one happening; returns the clock that runs from then on. */
async function happen(world: World, clock: SaleClock, happening: Happening): Promise<SaleClock> {
  if (happening.kind === 'restart') {
    await stopAndListen(world, clock)
    return started(world, happening.periodMs, world.restart())
  }
  if (happening.kind === 'advance') await world.timers.advance(happening.ms)
  else change(world, happening)
  return clock
}

function change(world: World, happening: Happening): void {
  const { clock, sales, timers } = world
  if (happening.kind === 'suspend') clock.suspend(happening.ms)
  if (happening.kind === 'stepWall') clock.stepWall(happening.ms)
  if (happening.kind === 'late') timers.lateMs = happening.ms
  if (happening.kind === 'prepareTakes') sales.takesMs.prepare = happening.ms
  if (happening.kind === 'retireTakes') sales.takesMs.retire = happening.ms
  if (happening.kind === 'prepareFails') sales.failures.prepare = happening.count
  if (happening.kind === 'retireFails') sales.failures.retire = happening.count
  if (happening.kind === 'openFails') sales.failures.open = happening.count
  if (happening.kind === 'liveReservations') sales.hasLiveReservations = happening.isLive
}

function started(
  world: World,
  periodMs: number,
  { current, restored }: ReturnType<World['restart']>,
): SaleClock {
  const options = current === undefined ? {} : { current }
  const clock = world.saleClock({ periodMs, restored, ...options })
  const { violations } = world.sales
  clock.start().catch((error: SaleClockError) => {
    if (error.code !== 'ERR_SALE_CLOCK_STOPPED') violations.push(error.message)
  })
  return clock
}

/** Stops the clock in the middle of whatever it does, and checks that it stays silent. */
async function stopAndListen(world: World, clock: SaleClock): Promise<void> {
  let isStopped = false
  const stopped = clock.stop().then(() => (isStopped = true))
  // Callbacks in flight take up to 4 s, and their own timers may be 3 s late.
  await world.timers.advance(8_000)
  expect(isStopped).toBe(true)
  await stopped
  expect(world.timers.pendingCount).toBe(0)
  const calls = world.sales.log.length
  await world.timers.advance(120_000)
  expect(world.sales.log.length).toBe(calls)
}

/** Lets the world heal, and checks that the clock finds back to the schedule by itself. */
async function heal(world: World, clock: SaleClock, periodMs: number): Promise<void> {
  const { sales, timers } = world
  timers.lateMs = 0
  sales.failures = { prepare: 0, open: 0, retire: 0 }
  sales.takesMs = { prepare: 0, retire: 0 }
  sales.hasLiveReservations = false
  await timers.advance(20_000)
  const openedBefore = sales.opened.length
  await timers.advance(3 * periodMs)
  const current = clock.current()
  expect(world.clock.wallMs()).toBeLessThan(current.endsAtMs)
  // From here on every opening is on time, and every older sale has been given up.
  for (const { sale, atWallMs } of sales.opened.slice(openedBefore)) {
    expect(atWallMs - sale.startsAtMs).toBeLessThanOrEqual(1)
  }
  await timers.advance(0)
  expect([...sales.held].filter((saleId) => saleId < current.saleId)).toEqual([])
}

test('keeps every rule on a random walk of clocks, timers, failures and restarts', async () => {
  let openedCount = 0
  let stepCount = 0
  let restartCount = 0
  await checkAsyncProperty(
    fc.asyncProperty(periods, walks, async (period, walk) => {
      const world = new World(Date.UTC(2026, 0, 1) + 1_234)
      let periodMs: number = period
      let clock = started(world, periodMs, { current: undefined, restored: [] })
      for (const happening of walk) {
        clock = await happen(world, clock, happening)
        if (happening.kind === 'restart') periodMs = happening.periodMs
        if (happening.kind === 'restart') restartCount += 1
        expect(world.sales.violations).toEqual([])
      }
      await heal(world, clock, periodMs)
      openedCount += world.sales.opened.length
      stepCount += world.sales.steps.length
      await stopAndListen(world, clock)
      expect(world.sales.violations).toEqual([])
    }),
    { runs: 1_000, limitMs: 25_000 },
  )
  console.log(`walked: ${openedCount} openings, ${stepCount} steps, ${restartCount} restarts`)
  // The walks go somewhere, even when a slow machine cuts them short.
  expect(Math.min(openedCount, stepCount, restartCount)).toBeGreaterThan(100)
}, 60_000)
