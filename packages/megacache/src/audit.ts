import type { Inventory, SlotContent } from './inventory.ts'
import { CLAIM, FREE, RELEASING, SOLD, stateOf } from './slot-word.ts'
import { userIdOf } from './user-id.ts'

/**
 * The at-rest invariants of docs/invariants.md, recomputed from the slots: every user's count equals the items
 * the user owns and is within the limit (INV-3), nothing is half claimed or half released (INV-4), and the
 * totals agree with the slots (INV-5). Returns a sentence for each one that does not hold.
 */
export function audit(inventory: Inventory): string[] {
  const wrong: string[] = []
  const owned = new Map<bigint, { count: number; purchased: number }>()
  const content: SlotContent = { word: 0, random0: 0, random1: 0, userLow: 0, userHigh: 0, expiresMs: 0 }
  let taken = 0
  let sold = 0
  for (let slot = 0; slot < inventory.items; slot++) {
    inventory.read(slot, content)
    const state = stateOf(content.word)
    if (state === CLAIM || state === RELEASING) wrong.push(`slot ${slot} is left in state ${state}`)
    if (state === FREE) continue
    taken++
    const userId = userIdOf(content.userLow, content.userHigh)
    const of = owned.get(userId) ?? { count: 0, purchased: 0 }
    of.count++
    if (state === SOLD) {
      sold++
      of.purchased++
    }
    owned.set(userId, of)
  }
  const seen = new Set<bigint>()
  inventory.limit.forEach((low, high, count, purchased) => {
    const userId = userIdOf(low, high)
    if (seen.has(userId)) wrong.push(`user ${userId} is counted in two places`)
    seen.add(userId)
    const of = owned.get(userId)
    if (count > inventory.limit.limit) wrong.push(`user ${userId} has ${count} items, the limit is ${inventory.limit.limit}`)
    if (count !== of?.count) wrong.push(`user ${userId} is counted with ${count} items and owns ${of?.count ?? 0}`)
    if (purchased !== of?.purchased) {
      wrong.push(`user ${userId} is counted with ${purchased} purchases and has ${of?.purchased ?? 0}`)
    }
  })
  for (const userId of owned.keys()) if (!seen.has(userId)) wrong.push(`user ${userId} owns items and is not counted`)
  if (inventory.tally.taken() !== taken) wrong.push(`${inventory.tally.taken()} slots are tallied as taken, ${taken} are`)
  if (inventory.soldCount() !== sold) wrong.push(`${inventory.soldCount()} items are counted as sold, ${sold} are`)
  return wrong
}
