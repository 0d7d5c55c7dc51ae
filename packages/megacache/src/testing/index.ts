export { ManualClock } from './manual-clock.ts'
export { ReferencePending, ReferencePendingPurchase } from './reference-pending.ts'
export { type ReferenceItem, ReferenceSale } from './reference-sale.ts'
