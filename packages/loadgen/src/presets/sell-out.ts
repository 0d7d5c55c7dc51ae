import type { Program } from '../engine/program.ts'
import { LaneProgram } from '../engine/lane-program.ts'
import { connectionsOf, type ThreadPlan } from '../run-plan.ts'
import type { CallRecorder } from '../sale/call-recorder.ts'
import { saleFacts } from '../sale/sale-facts.ts'
import { SellOut } from '../sale/sell-out.ts'
import type { Preset } from './preset.ts'
import { REFUSED } from './refused.ts'

/** Tries under way at once in an open loop, where more can be due than there are connections. */
const OPEN_LANES_MAX = 10_000

/** Checkout, then purchase, of every item, until the sale is sold out. */
export const chain: Preset = {
  name: 'chain',
  aliases: ['sell-out'],
  summary: 'checkout, then purchase, of every item until the sale is sold out',
  sellsOut: true,
  make: (thread, recorder) => sellOut(thread, recorder, true),
}

/** Reserves each item once. */
export const checkout: Preset = {
  name: 'checkout',
  aliases: ['checkout-only'],
  summary: 'reserve every item once, buy nothing',
  sellsOut: false,
  make: (thread, recorder) => sellOut(thread, recorder, false),
}

function sellOut(thread: ThreadPlan, recorder: CallRecorder, purchases: boolean): Program {
  const { plan, shard } = thread
  const { sale, buyerId } = saleFacts(thread)
  const indexes = Array.from({ length: plan.users }, (_, i) => i)
  const own = indexes.filter((i) => i % shard.count === shard.index)
  const connections = connectionsOf(plan, shard)
  const isClosed = plan.arrivals.kind === 'closed'
  const lanes = isClosed ? connections : Math.max(connections, OPEN_LANES_MAX)
  const { contenders, seed } = plan
  const { items, userLimit, saleId } = sale
  const userIds = own.map((i) => buyerId(i))
  const scenario = new SellOut(
    { items, shard, userLimit, saleId, userIds, contenders, lanes, seed, purchases },
    recorder,
  )
  return new LaneProgram(scenario, lanes, REFUSED)
}
