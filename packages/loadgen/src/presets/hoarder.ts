import { differentItems, SALE_STEPS, tryCheckout, tryPurchase } from '../sale/sale-calls.ts'
import { saleFacts } from '../sale/sale-facts.ts'
import { defineScenario } from '../scenario/define-scenario.ts'
import type { Preset } from './preset.ts'

const DURATION_MS = 30_000
/** Every so many-th user hoards. */
const HOARDER_EVERY = 5
/** A hoarder at its limit looks again after this long, in milliseconds. */
const LOOK_AGAIN_MS = 200

/** Some reserve all that they may and buy nothing, over and over; the others want to buy. */
export const hoarder: Preset = {
  name: 'hoarder',
  summary: 'a fifth of the users reserve all that they may and buy nothing',
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
        if (buyer.index % HOARDER_EVERY !== 0) {
          const { held } = await tryCheckout(buyer, userId, buyer.random.below(sale.items))
          if (held !== undefined) await tryPurchase(buyer, held)
          return
        }
        for (const itemId of differentItems(buyer, sale.items, sale.userLimit + 1)) {
          const { answer } = await tryCheckout(buyer, userId, itemId)
          if (answer.reason !== 'user_limit_reached') continue
          buyer.count('hoardersAtTheLimit')
          return buyer.pause(LOOK_AGAIN_MS)
        }
      },
    })
  },
}
