import { SALE_STEPS, tryCheckout, tryPurchase } from '../sale/sale-calls.ts'
import { saleFacts } from '../sale/sale-facts.ts'
import { defineScenario } from '../scenario/define-scenario.ts'
import type { Preset } from './preset.ts'

const DURATION_MS = 90_000
/** The longest thought, as a share of a reservation's life: some come too late. */
const LONGEST_SHARE = 1.1

/** Buyers who think between reserving and buying, some of them for too long. */
export const slowBuyer: Preset = {
  name: 'slow-buyer',
  summary: 'buyers who think before they buy, some longer than their reservation lives',
  sellsOut: false,
  durationMs: DURATION_MS,
  // Users wait most of the time, so connections are not what limits them.
  arrivals: () => ({ kind: 'constant', perSecond: 50, isPoisson: true }),
  make(thread) {
    const { sale, buyerId, reservationTtlMs } = saleFacts(thread)
    return defineScenario({
      steps: SALE_STEPS,
      expectedStatuses: [409],
      preconnectPath: '/sale',
      async iterate(buyer) {
        const userId = buyerId(buyer.index)
        const { held } = await tryCheckout(buyer, userId, buyer.random.below(sale.items))
        if (held === undefined) return
        await buyer.pause(buyer.random.below(Math.ceil(reservationTtlMs * LONGEST_SHARE)))
        const bought = await tryPurchase(buyer, held)
        if (bought.reason === 'reservation_expired') buyer.count('tooLate')
      },
    })
  },
}
