import { SALE_STEPS, tryCheckout, tryPurchase } from '../sale/sale-calls.ts'
import { saleFacts } from '../sale/sale-facts.ts'
import { defineScenario } from '../scenario/define-scenario.ts'
import type { Preset } from './preset.ts'

const DURATION_MS = 150_000
/** Purchases fall this long before and after the expiry, in milliseconds. */
const BEFORE_MS = 100
const AFTER_MS = 200

/** Everybody buys at the very moment when the reservation expires; items are offered again. */
export const expiryStorm: Preset = {
  name: 'expiry-storm',
  summary: 'everybody buys within 100 ms before and 200 ms after the reservation expires',
  sellsOut: false,
  durationMs: DURATION_MS,
  // Users wait most of the time, so connections are not what limits them.
  arrivals: () => ({ kind: 'constant', perSecond: 100, isPoisson: true }),
  make(thread) {
    const { sale, buyerId, reservationTtlMs } = saleFacts(thread)
    return defineScenario({
      steps: SALE_STEPS,
      expectedStatuses: [409],
      preconnectPath: '/sale',
      async iterate(buyer) {
        const userId = buyerId(buyer.index)
        const { held, answer } = await tryCheckout(buyer, userId, buyer.random.below(sale.items))
        if (held === undefined) return
        const edgeMs = reservationTtlMs - answer.tookMs
        const jitterMs = buyer.random.below(BEFORE_MS + AFTER_MS) - BEFORE_MS
        await buyer.pause(edgeMs + jitterMs)
        const bought = await tryPurchase(buyer, held)
        if (bought.reason === 'reservation_expired') buyer.count('expired')
      },
    })
  },
}
