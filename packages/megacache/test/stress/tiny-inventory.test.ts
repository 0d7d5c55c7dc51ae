import { expect, it } from 'vitest'
import { Megacache } from '../../src/index.ts'
import type { HammerOrder, HammerReport } from './hammer.ts'
import { runThreads } from './run-threads.ts'

const THREADS = 4
const SALES = 60
const SALE_MS = 100
const LIMIT = 2

it('sells each item once and keeps every limit while four threads fight for three items that expire in milliseconds', async () => {
  const sales = Array.from({ length: SALES }, (_, saleId) =>
    Megacache.create({ items: 3, userLimit: LIMIT, reservationTtlMs: 1 + (saleId % 3), saleId }))
  const board = new SharedArrayBuffer(8 * 16)
  const orders = Array.from({ length: THREADS }, (_, thread): HammerOrder =>
    ({ sales: sales.map(({ handle }) => handle), board, users: 3, seed: 7919 * (thread + 1), saleMs: SALE_MS }))
  const reports = await runThreads<HammerReport>(new URL('./hammer.ts', import.meta.url), orders, 55_000)
  const all = (kind: 'reserved' | 'purchased' | 'cancelled' | 'wrong' | 'reasons'): string[] => reports.flatMap((report) => report[kind])

  expect(all('wrong')).toEqual([])
  const purchased = all('purchased')
  const reserved = new Set(all('reserved'))
  const cancelled = new Set(all('cancelled'))
  expect(reserved.size, 'no code is given twice').toBe(all('reserved').length)
  expect(purchased.filter((entry) => !reserved.has(entry)), 'bought by whom it was given').toEqual([])
  expect(purchased.filter((entry) => cancelled.has(entry)), 'bought or cancelled').toEqual([])
  expect(new Set(purchased.map(itemIn)).size, 'each item once').toBe(purchased.length)
  expect(new Set(purchased).size, 'each code once').toBe(purchased.length)
  for (const count of Map.groupBy(purchased, userIn).values()) expect(count.length).toBeLessThanOrEqual(LIMIT)

  await new Promise((resolve) => { setTimeout(resolve, 5) })
  for (const sale of sales) {
    sale.sweep()
    expect(sale.audit()).toEqual([])
    expect(sale.stuck(0)).toEqual([])
    const { available, reserved: left, sold, totals } = sale.stats()
    const ofSale = purchased.filter((entry) => entry.startsWith(`${sale.saleId}/`)).length
    expect({ sold, left, available }).toEqual({ sold: ofSale, left: 0, available: 3 - ofSale })
    expect(totals.reservations - totals.expired - totals.cancelled).toBe(sold)
  }
  // The threads have met in every way that matters.
  const met = ['item_reserved', 'user_limit_reached', 'unknown_code', 'reservation_expired', 'purchase_pending']
  expect(met.filter((reason) => !all('reasons').includes(reason))).toEqual([])
  expect(purchased.length).toBeGreaterThan(SALES)
}, 70_000)

/** From `sale/item/code/user`. */
function itemIn(entry: string): string {
  return entry.split('/').slice(0, 2).join('/')
}

function userIn(entry: string): string {
  const [sale, , , user] = entry.split('/')
  return `${sale}/${user}`
}
