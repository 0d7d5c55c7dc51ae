import { SaleClock, saleAt, systemClock } from '@megacache/sale-clock'
import type { Sale } from '@megacache/sale-clock'
import { expect, test } from 'vitest'

test('opens a sale every second on the clocks of this machine, never early', async () => {
  const opened: Array<{ sale: Sale; lateMs: number }> = []
  const prepared = new Set<number>()
  const retired: number[] = []
  const errors: unknown[] = []
  const openedFour = Promise.withResolvers<void>()
  const clock = new SaleClock({
    periodMs: 1_000,
    prepareLeadMs: 400,
    prepare: async (sale) => void prepared.add(sale.saleId),
    open: (sale) => {
      opened.push({ sale, lateMs: systemClock.wallMs() - sale.startsAtMs })
      if (!prepared.has(sale.saleId)) errors.push(`${sale.saleId} is not prepared`)
      if (opened.length === 4) openedFour.resolve()
    },
    retire: async (sale) => retired.push(sale.saleId) > 0,
    onError: (error) => errors.push(error),
  })
  const before = saleAt(Date.now(), 1_000)
  const first = await clock.start()
  expect(first.saleId - before.saleId).toBeLessThanOrEqual(1)
  await openedFour.promise
  await clock.stop()
  const stoppedWith = opened.length
  await new Promise((resolve) => setTimeout(resolve, 1_200))

  expect(errors).toEqual([])
  expect(opened).toHaveLength(stoppedWith)
  const ids = opened.map(({ sale }) => sale.saleId)
  expect(ids).toEqual(ids.toSorted((a, b) => a - b))
  expect(new Set(ids).size).toBe(ids.length)
  // All that were prepared before the last one, also what a stall of this machine skipped.
  const older = [...prepared].filter((id) => id < (ids.at(-1) ?? NaN))
  expect(older).toEqual(expect.arrayContaining(ids.slice(0, -1)))
  expect(retired.toSorted((a, b) => a - b)).toEqual(older.toSorted((a, b) => a - b))
  for (const { lateMs } of opened) {
    expect(lateMs).toBeGreaterThanOrEqual(0)
    expect(lateMs).toBeLessThan(1_000)
  }
}, 20_000)
