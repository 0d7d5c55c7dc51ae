import type { Inventory } from './inventory.ts'
import { emptyContent } from './slot-payload.ts'
import { CLAIM, FREE, RELEASING, SOLD, stateOf } from './slot-word.ts'
import { userIdOf } from './user-id.ts'

interface Owned {
  count: number
  purchased: number
}

/**
 * The at-rest invariants of docs/invariants.md, recomputed from the slots: every user's count equals the items
 * the user owns and is within the limit (INV-2, INV-3), nothing is half claimed or half released (INV-4), the
 * totals agree with the slots (INV-5), and what runs out will be found (INV-9). Returns a sentence for each one that does not hold.
 */
export function audit(inventory: Inventory): string[] {
  const wrong: string[] = []
  const owned = new Map<bigint, Owned>()
  const content = emptyContent()
  let taken = 0
  let sold = 0
  for (let slot = 0; slot < inventory.items; slot++) {
    inventory.read(slot, content)
    const state = stateOf(content.word)
    if (state === CLAIM || state === RELEASING) wrong.push(`slot ${slot} is left in state ${state}`)
    if (state === FREE) continue
    taken++
    if (state === SOLD) sold++
    else if (!inventory.due.covers(slot, content.expiresMs)) wrong.push(`slot ${slot} runs out before its block is looked at`)
    // Sold to a code that memory does not know: nobody's count.
    if (state === SOLD && (content.random0 | content.random1) === 0) continue
    const userId = userIdOf(content.userLow, content.userHigh)
    const of = owned.get(userId) ?? { count: 0, purchased: 0 }
    of.count++
    if (state === SOLD) of.purchased++
    owned.set(userId, of)
  }
  auditUsers(inventory, owned, wrong)
  const tallied = inventory.tally.taken()
  if (tallied !== taken) wrong.push(`${tallied} slots are tallied as taken, ${taken} are`)
  if (inventory.soldCount() !== sold) wrong.push(`${inventory.soldCount()} items are counted as sold, ${sold} are`)
  return wrong
}

function auditUsers({ limit }: Inventory, owned: ReadonlyMap<bigint, Owned>, wrong: string[]): void {
  const seen = new Set<bigint>()
  limit.forEach((low, high, count, purchased) => {
    const userId = userIdOf(low, high)
    if (seen.has(userId)) wrong.push(`user ${userId} is counted in two places`)
    seen.add(userId)
    const of = owned.get(userId) ?? { count: 0, purchased: 0 }
    if (count > limit.limit) wrong.push(`user ${userId} has ${count} items, the limit is ${limit.limit}`)
    if (count !== of.count) wrong.push(`user ${userId} is counted with ${count} items and owns ${of.count}`)
    if (purchased !== of.purchased) {
      wrong.push(`user ${userId} is counted with ${purchased} purchases and has ${of.purchased}`)
    }
  })
  for (const userId of owned.keys()) if (!seen.has(userId)) wrong.push(`user ${userId} owns items and is not counted`)
}
