import { expect, it } from 'vitest'
import { layoutFor, SLOT_WORDS } from './layout.ts'
import { Megacache } from './megacache.ts'
import { CLAIM, FREE, nextTenure, packWord, RELEASING } from './slot-word.ts'
import { ManualClock } from './testing/index.ts'

it('finds what a thread left half done, when it has seen it long enough', () => {
  const clock = new ManualClock()
  const sale = Megacache.create({ items: 3, userLimit: 1, reservationTtlMs: 10, clock })
  const words = new Int32Array(sale.handle.memory)
  // As if two threads had been terminated between two steps.
  words[at(0)] = nextTenure(packWord(0, FREE), CLAIM)
  words[at(2)] = packWord(5, RELEASING)

  expect(sale.stuck()).toEqual([])
  clock.advance(600)
  // Another tenure: the slot has moved on, and its time begins anew.
  words[at(2)] = packWord(7, RELEASING)
  expect(sale.stuck()).toEqual([])
  clock.advance(400)
  expect(sale.stuck()).toEqual([{ itemId: 0, state: 'claim', forMs: 1000 }])
  expect(sale.stuck(400)).toEqual([{ itemId: 0, state: 'claim', forMs: 1000 }, { itemId: 2, state: 'releasing', forMs: 400 }])
  expect(sale.audit()).toContain('slot 0 is left in state 1')

  words[at(0)] = words[at(2)] = packWord(8, FREE)
  expect(sale.stuck(0)).toEqual([])
})

it('still answers questions about an item that is stuck', () => {
  const sale = Megacache.create({ items: 1, userLimit: 1, reservationTtlMs: 10 })
  new Int32Array(sale.handle.memory)[layoutFor(1).slotsStart] = packWord(1, CLAIM)
  expect(sale.item(0).state).toBe('reserved')
  expect(sale.checkout(1, 0)).toEqual({ ok: false, reason: 'item_reserved' })
  expect(sale.snapshot()).toMatchObject({ purchases: [], reservations: [] })
})

function at(slot: number): number {
  return layoutFor(3).slotsStart + slot * SLOT_WORDS
}
