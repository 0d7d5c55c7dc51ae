import type { Shard } from '../arrivals/due-times.ts'

/** What a sell-out is made of. */
export interface SellOutPlan {
  readonly items: number
  /** Which of them are this thread's: every `count`-th, beginning with `index`. */
  readonly shard: Shard
  readonly userLimit: number
  /** 0 when unknown: then the first code tells. */
  readonly saleId: number
  /** Decimal ids of the buyers. */
  readonly userIds: readonly string[]
  readonly contenders: number
  /** Tries under way at once. */
  readonly lanes: number
  readonly seed: number
  /** False: reserve only; each item is tried once. */
  readonly purchases: boolean
}
