import { LaneProgram } from '../engine/lane-program.ts'
import { connectionsOf } from '../run-plan.ts'
import { Refusals } from '../sale/refusals.ts'
import { saleFacts } from '../sale/sale-facts.ts'
import type { Preset } from './preset.ts'
import { REFUSED } from './refused.ts'

const DURATION_MS = 10_000

/** Only checkouts that are refused. */
export const refusals: Preset = {
  name: 'refusals',
  summary: 'only checkouts that are refused, to measure what a refusal costs',
  sellsOut: false,
  durationMs: DURATION_MS,
  make(thread, recorder) {
    const { plan, shard } = thread
    const { sale, buyerId } = saleFacts(thread)
    const isSoldOut = sale.sold !== undefined && sale.sold >= sale.items
    const userIds = Array.from({ length: plan.users }, (_, i) => buyerId(i))
    const seed = (plan.seed + shard.index) >>> 0
    const scenario = new Refusals({ items: sale.items, isSoldOut, userIds, seed }, recorder)
    const isClosed = plan.arrivals.kind === 'closed'
    const lanes = isClosed ? connectionsOf(plan, shard) : plan.backlogMax
    return new LaneProgram(scenario, lanes, REFUSED)
  },
}
