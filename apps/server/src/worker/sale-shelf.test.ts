import { Megacache } from 'megacache'
import { describe, expect, test } from 'vitest'
import { InstanceBoard } from '../instance-board.ts'
import type { SharedSale } from '../thread-messages.ts'
import { SaleShelf } from './sale-shelf.ts'
import { UnansweredPurchases } from './unanswered-purchases.ts'

const clock = { monotonicMs: () => 0, wallMs: () => 0 }

function sale(saleId: number): SharedSale {
  const engine = Megacache.create({ saleId, items: 2, userLimit: 1, reservationTtlMs: 1_000, clock })
  const terms = { saleId, startsAtMs: saleId * 1_000, endsAtMs: saleId * 1_000 + 60_000, itemCount: 2, userLimit: 1, reservationTtlMs: 1_000 }
  return { terms, handle: engine.handle, unanswered: UnansweredPurchases.memoryFor(2) }
}

describe('a sale', () => {
  test('takes no checkout at or after its end, though no later one is prepared', () => {
    const board = new InstanceBoard()
    const shelf = new SaleShelf(board, clock)
    shelf.put(sale(60))
    expect(shelf.current(60_000)?.terms.saleId).toBe(60)
    expect(shelf.current(119_999)?.terms.saleId).toBe(60)
    expect(shelf.current(120_000)).toBeUndefined()
    expect(shelf.current(500_000)).toBeUndefined()
    expect(shelf.latest()?.terms.saleId).toBe(60)
  })

  test('is followed by the next one at its end, and stays closed when the clock goes back', () => {
    const shelf = new SaleShelf(new InstanceBoard(), clock)
    shelf.put(sale(60))
    shelf.put(sale(120))
    const before = shelf.current(119_999)
    expect(shelf.current(120_000)?.terms.saleId).toBe(120)
    expect(before?.engine.tryCheckout(1n, 0)).toMatchObject({ ok: false, reason: 'sale_closed' })
    expect(shelf.current(119_000)?.terms.saleId).toBe(120)
  })
})
