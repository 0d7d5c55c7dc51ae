import type { ScenarioProgress } from './scenario.ts'

/** What has become of the items, counted once each even when several contenders learn of it. */
export class ItemTally {
  reservedCount = 0
  abandonedCount = 0
  private purchasedCount = 0
  private soldByOthersCount = 0
  private readonly isBought: Uint8Array
  private readonly isSoldByOthers: Uint8Array

  constructor(items: number) {
    this.isBought = new Uint8Array(items)
    this.isSoldByOthers = new Uint8Array(items)
  }

  /** This run has bought the item. */
  purchased(itemId: number): void {
    this.purchasedCount++
    this.isBought[itemId] = 1
    // A contender of ours can be refused as sold before the answer to the purchase arrives.
    this.soldByOthersCount -= this.isSoldByOthers[itemId] as number
    this.isSoldByOthers[itemId] = 0
  }

  /** The item is taken, by whomever. */
  refused(itemId: number): void {
    if (this.isBought[itemId] === 1 || this.isSoldByOthers[itemId] === 1) return
    this.isSoldByOthers[itemId] = 1
    this.soldByOthersCount++
  }

  /** Whether every item is known to be taken. */
  get isComplete(): boolean {
    return this.purchasedCount + this.soldByOthersCount >= this.isBought.length
  }

  progress(): ScenarioProgress {
    const { reservedCount, purchasedCount, soldByOthersCount, abandonedCount } = this
    const items = this.isBought.length
    return { items, reservedCount, purchasedCount, soldByOthersCount, abandonedCount }
  }
}
