/** What a sell-out is made of. */
export interface SellOutPlan {
  readonly items: number
  readonly userLimit: number
  /** 0 when unknown: then the first code tells. */
  readonly saleId: number
  /** Decimal ids of the buyers. */
  readonly userIds: readonly string[]
  readonly contenders: number
  readonly connections: number
  readonly seed: number
  /** False: reserve only; each item is tried once. */
  readonly purchases: boolean
}
