import { SALE_STEPS, tryCheckout, tryPurchase } from '../sale/sale-calls.ts'
import { saleFacts } from '../sale/sale-facts.ts'
import { defineScenario } from '../scenario/define-scenario.ts'
import type { Preset } from './preset.ts'

const DURATION_MS = 120_000
/** Within this of the end of the sale, purchases are put on the other side of it. */
const EDGE_MS = 2_000
/** Purchases fall this long before and after the end, in milliseconds. */
const BEFORE_MS = 300
const AFTER_MS = 700

/** What all users of a thread know of the current sale's end. */
interface Boundary {
  /** Unix milliseconds; 0 while unknown. */
  endsAtMs: number
}

/** Reserves before a sale ends and buys around and after the end, while the next one opens. */
export const rotationEdge: Preset = {
  name: 'rotation-edge',
  summary: 'reserve before a sale ends, buy across the end; last long enough to see one',
  sellsOut: false,
  durationMs: DURATION_MS,
  arrivals: () => ({ kind: 'constant', perSecond: 100, isPoisson: true }),
  make(thread) {
    const { sale, buyerId } = saleFacts(thread)
    return defineScenario({
      steps: SALE_STEPS,
      expectedStatuses: [409],
      preconnectPath: '/sale',
      shared: (): Boundary => ({ endsAtMs: 0 }),
      async iterate(buyer) {
        const { shared } = buyer
        if (buyer.nowMs() >= shared.endsAtMs) {
          const answer = await buyer.get('sale', '/sale')
          if (answer.status === 200) shared.endsAtMs = endOf(answer.json())
        }
        const userId = buyerId(buyer.index)
        const { held } = await tryCheckout(buyer, userId, buyer.random.below(sale.items))
        if (held === undefined) return
        const { endsAtMs } = shared
        const untilEndMs = endsAtMs - buyer.nowMs()
        if (untilEndMs > 0 && untilEndMs < EDGE_MS) {
          const jitterMs = buyer.random.below(BEFORE_MS + AFTER_MS) - BEFORE_MS
          await buyer.pause(untilEndMs + jitterMs)
          if (buyer.nowMs() >= endsAtMs) buyer.count('heldAcrossTheEnd')
        }
        await tryPurchase(buyer, held)
      },
    })
  },
}

/** `endsAt` of `GET /sale`, as a time or as Unix milliseconds; 0 when it says neither. */
function endOf(sale: unknown): number {
  if (typeof sale !== 'object' || sale === null || !('endsAt' in sale)) return 0
  const { endsAt } = sale
  if (typeof endsAt === 'number') return endsAt
  const parsed = typeof endsAt === 'string' ? Date.parse(endsAt) : Number.NaN
  return Number.isNaN(parsed) ? 0 : parsed
}
