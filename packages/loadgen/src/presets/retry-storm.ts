import { type Buyer, SALE_STEPS, tryCheckout, tryPurchase } from '../sale/sale-calls.ts'
import { saleFacts } from '../sale/sale-facts.ts'
import { defineScenario } from '../scenario/define-scenario.ts'
import type { Answer } from '../scenario/virtual-user.ts'
import type { Preset } from './preset.ts'

const DURATION_MS = 15_000
/** Clients that have waited this long try again, in milliseconds. */
const PATIENCE_MS = 100
/** Tries of one request. */
const TRIES = 5

/** Impatient clients: no answer within 100 ms, or a 503, is tried again at once, whatever it asks. */
export const retryStorm: Preset = {
  name: 'retry-storm',
  summary: 'clients that give up after 100 ms and try again at once, whatever Retry-After says',
  sellsOut: false,
  durationMs: DURATION_MS,
  requestTimeoutMs: PATIENCE_MS,
  make(thread) {
    const { sale, buyerId } = saleFacts(thread)
    return defineScenario({
      steps: SALE_STEPS,
      expectedStatuses: [409],
      preconnectPath: '/sale',
      async iterate(buyer) {
        const userId = buyerId(buyer.index)
        const itemId = buyer.random.below(sale.items)
        for (let i = 0; i < TRIES; i++) {
          const { held, answer } = await tryCheckout(buyer, userId, itemId)
          if (held !== undefined) return repeated(buyer, () => tryPurchase(buyer, held))
          if (!isWorthAnotherTry(answer)) return
          buyer.count('retries')
        }
      },
    })
  },
}

async function repeated(buyer: Buyer, send: () => Promise<Answer>): Promise<void> {
  for (let i = 0; i < TRIES; i++) {
    if (!isWorthAnotherTry(await send())) return
    buyer.count('retries')
  }
}

function isWorthAnotherTry({ status }: Answer): boolean {
  return status === 0 || status === 503
}
