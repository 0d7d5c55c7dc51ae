import type { Inventory } from './inventory.ts'
import { MegacacheError } from './megacache-error.ts'
import type { SlotContent } from './slot-payload.ts'
import { FREE, HELD, SOLD, stateOf } from './slot-word.ts'

/** `available`: can be reserved. `reserved`: somebody has it, for now. `sold`: for ever. */
export type ItemState = 'available' | 'reserved' | 'sold'

export interface Item {
  readonly itemId: number
  readonly state: ItemState
}

/** Codes of `grid`: what an item looks like from outside. */
export const GRID: Readonly<Record<ItemState, number>> = Object.freeze({ available: 0, reserved: 1, sold: 2 })

/** An expired reservation counts as available: the next checkout gets the item. */
export function itemStateOf(content: SlotContent, nowMs: number): ItemState {
  const state = stateOf(content.word)
  if (state === SOLD) return 'sold'
  if (state === FREE || (state === HELD && nowMs >= content.expiresMs)) return 'available'
  return 'reserved'
}

/** See `Megacache.grid`. */
export function fillGrid(inventory: Inventory, into: Uint8Array): Uint8Array {
  if (into.length < inventory.items) {
    throw new MegacacheError('invalid_options', `grid needs ${inventory.items} bytes, it was given ${into.length}`)
  }
  for (let slot = 0; slot < inventory.items; slot++) {
    const state = stateOf(inventory.wordOf(slot))
    into[slot] = state === FREE ? GRID.available : state === SOLD ? GRID.sold : GRID.reserved
  }
  return into
}
