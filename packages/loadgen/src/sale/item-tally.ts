/** What has become of the items, counted once each even when several contenders learn of it. */
export class ItemTally {
  reservedCount = 0
  abandonedCount = 0
  private purchasedCount = 0
  private soldByOthersCount = 0
  private readonly isBought: Uint8Array
  private readonly isSoldByOthers: Uint8Array

  private readonly itemCount: number

  /** @param items of the sale. @param itemCount those that are to be sold here. */
  constructor(items: number, itemCount: number = items) {
    this.itemCount = itemCount
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
    return this.purchasedCount + this.soldByOthersCount >= this.itemCount
  }

  counters(): Record<string, number> {
    return {
      items: this.itemCount,
      purchased: this.purchasedCount,
      reserved: this.reservedCount,
      soldByOthers: this.soldByOthersCount,
      abandoned: this.abandonedCount,
    }
  }
}
