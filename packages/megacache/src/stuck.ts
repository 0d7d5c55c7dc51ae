import type { Inventory } from './inventory.ts'
import { CLAIM, RELEASING, stateOf } from './slot-word.ts'

/** An item that no thread can be working on any more: its thread died between two steps. */
export interface StuckItem {
  readonly itemId: number
  readonly state: 'claim' | 'releasing'
  /** Milliseconds since this check saw it so for the first time. */
  readonly forMs: number
}

/**
 * Finds slots left in CLAIM or RELEASING (INV-4). Both last well under a microsecond, so one that several calls
 * see with the same generation belongs to a thread that was terminated. Slots do not say since when they are
 * so: the check remembers what it saw, which is nothing at almost all calls and never more than the items.
 */
export class StuckCheck {
  readonly #inventory: Inventory
  #seen = new Map<number, { word: number; sinceMs: number }>()

  constructor(inventory: Inventory) {
    this.#inventory = inventory
  }

  /** Looks at every slot once; returns those that have been the same for `olderThanMs` or longer. */
  find(nowMs: number, olderThanMs: number): StuckItem[] {
    const seen = new Map<number, { word: number; sinceMs: number }>()
    const stuck: StuckItem[] = []
    for (let itemId = 0; itemId < this.#inventory.items; itemId++) {
      const word = this.#inventory.wordOf(itemId)
      const state = stateOf(word)
      if (state !== CLAIM && state !== RELEASING) continue
      const before = this.#seen.get(itemId)
      const sinceMs = before?.word === word ? before.sinceMs : nowMs
      seen.set(itemId, { word, sinceMs })
      if (nowMs - sinceMs >= olderThanMs) {
        stuck.push({ itemId, state: state === CLAIM ? 'claim' : 'releasing', forMs: nowMs - sinceMs })
      }
    }
    this.#seen = seen
    return stuck
  }
}
