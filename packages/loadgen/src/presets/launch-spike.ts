import { differentItems, SALE_STEPS, tryCheckout, tryPurchase } from '../sale/sale-calls.ts'
import { saleFacts } from '../sale/sale-facts.ts'
import { defineScenario } from '../scenario/define-scenario.ts'
import type { Preset } from './preset.ts'

const DURATION_MS = 30_000
/** Items that a buyer tries before it gives up. */
const TRIES = 5

/** Few buyers, then the crowd at the moment of the launch, then few again. */
export const launchSpike: Preset = {
  name: 'launch-spike',
  summary: 'a crowd at once: 20 buyers a second, 2,000 for a fifth of the time, 20 again',
  sellsOut: false,
  durationMs: DURATION_MS,
  arrivals: (durationMs) => ({
    kind: 'spike',
    basePerSecond: 20,
    peakPerSecond: 2_000,
    atMs: durationMs * 0.3,
    lengthMs: durationMs * 0.2,
    isPoisson: true,
  }),
  make(thread) {
    const { sale, buyerId } = saleFacts(thread)
    return defineScenario({
      steps: SALE_STEPS,
      expectedStatuses: [409],
      preconnectPath: '/sale',
      async iterate(buyer) {
        await buyer.get('sale', '/sale')
        const userId = buyerId(buyer.index)
        for (const itemId of differentItems(buyer, sale.items, TRIES)) {
          const { held, answer } = await tryCheckout(buyer, userId, itemId)
          if (held !== undefined) {
            await tryPurchase(buyer, held)
            return
          }
          if (answer.reason !== 'item_reserved' && answer.reason !== 'item_sold') return
        }
      },
    })
  },
}
