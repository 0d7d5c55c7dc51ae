export {
  type Exploration, explore, type ExploreOptions, replay, WorldError,
} from './interleavings/explore.ts'
export type { Replay } from './interleavings/replay.ts'
export type { Stage, ThreadEnd, World, WorldEnd, WorldSale } from './interleavings/world.ts'
export { ManualClock } from './manual-clock.ts'
export { ReferencePending, ReferencePendingPurchase } from './reference-pending.ts'
export { type ReferenceItem, ReferenceSale } from './reference-sale.ts'
