import {
  differentItems,
  type HeldReservation,
  SALE_STEPS,
  tryCheckout,
  tryPurchase,
} from '../sale/sale-calls.ts'
import { saleFacts } from '../sale/sale-facts.ts'
import { defineScenario } from '../scenario/define-scenario.ts'
import type { Preset } from './preset.ts'

const DURATION_MS = 15_000
/** Checkouts at once above the limit. */
const BEYOND = 3

/** Each user asks for more than it may at the same moment, then buys all that it got. */
export const limitBreaker: Preset = {
  name: 'limit-breaker',
  summary: 'each user asks at once for three items more than it may, then buys what it got',
  sellsOut: false,
  durationMs: DURATION_MS,
  make(thread) {
    const { sale, buyerId } = saleFacts(thread)
    return defineScenario({
      steps: SALE_STEPS,
      expectedStatuses: [409],
      preconnectPath: '/sale',
      async iterate(buyer) {
        const userId = buyerId(buyer.index)
        const items = differentItems(buyer, sale.items, sale.userLimit + BEYOND)
        const tries = await Promise.all(items.map((itemId) => tryCheckout(buyer, userId, itemId)))
        const held = tries.flatMap((each): HeldReservation[] => each.held === undefined ? [] : [each.held])
        if (held.length > sale.userLimit) buyer.count('limitsBroken')
        await Promise.all(held.map((each) => tryPurchase(buyer, each)))
      },
    })
  },
}
