import { Megacache } from 'megacache'
import { expect, test } from 'vitest'
import type { SharedSale } from '../thread-messages.ts'
import { retireSale } from './retire-sale.ts'

const SALE_ID = 7

/** A sale that is over but for what `onDrop` does to it: a thread that runs again at the last moment. */
function world(onDrop: (engine: Megacache) => void) {
  const engine = Megacache.create({ saleId: SALE_ID, items: 3, userLimit: 1, reservationTtlMs: 60_000 })
  const shared = { terms: { saleId: SALE_ID }, handle: engine.handle } as unknown as SharedSale
  const calls: string[] = []
  const book = {
    isOver: () => { calls.push('look'); return engine.stats().reserved === 0 },
    sharedSale: () => shared,
    giveUp: async () => { calls.push('give up') },
  }
  const threads = {
    drop: async () => { calls.push('drop'); onDrop(engine) },
    share: async (sale: SharedSale) => { expect(sale).toBe(shared); calls.push('share') },
  }
  return { engine, book, threads, calls }
}

test('a sale with nothing in it is dropped by the threads, and given up', async () => {
  const { book, threads, calls } = world(() => {})
  expect(await retireSale(SALE_ID, book, threads)).toBe(true)
  expect(calls).toEqual(['look', 'drop', 'look', 'give up'])
})

test('a sale with a reservation stays', async () => {
  const { engine, book, threads, calls } = world(() => {})
  expect(engine.checkout(1, 1).ok).toBe(true)
  expect(await retireSale(SALE_ID, book, threads)).toBe(false)
  expect(calls).toEqual(['look'])
})

// G4: the code would have been acknowledged, and could not buy.
test('a thread that reserved an item between the look and the drop gets its sale back', async () => {
  const { engine, book, threads, calls } = world((late) => { late.checkout(1, 1) })
  expect(await retireSale(SALE_ID, book, threads)).toBe(false)
  expect(calls).toEqual(['look', 'drop', 'look', 'share'])
  expect(engine.stats().reserved).toBe(1)
})
