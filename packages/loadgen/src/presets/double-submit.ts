import { SALE_STEPS, tryCheckout, tryPurchase } from '../sale/sale-calls.ts'
import { saleFacts } from '../sale/sale-facts.ts'
import { defineScenario } from '../scenario/define-scenario.ts'
import type { Preset } from './preset.ts'

const DURATION_MS = 15_000
/** Purchases of one code at the same moment. */
const SUBMITS = 3

/** Each code is submitted three times at once, as by an impatient finger: one 200 is right. */
export const doubleSubmit: Preset = {
  name: 'double-submit',
  summary: 'each code is bought three times at once; exactly one may succeed',
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
        const { held } = await tryCheckout(buyer, userId, buyer.random.below(sale.items))
        if (held === undefined) return
        const submits = Array.from({ length: SUBMITS }, () => tryPurchase(buyer, held))
        const answers = await Promise.all(submits)
        const bought = answers.filter(({ status }) => status === 200)
        if (bought.length > 1) buyer.count('boughtTwice')
      },
    })
  },
}
