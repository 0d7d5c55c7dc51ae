/**
 * A set of 64-bit hashes, 8 bytes each at least half full: exhausting a world keeps millions. Two different states
 * are taken for one with a chance of n^2 / 2^65, which is one in 30 million for a million states.
 */
export class StateSet {
  size = 0
  #low = new Uint32Array(1 << 12)
  #high = new Uint32Array(1 << 12)

  /** Says whether it was not there. */
  add(low: number, high: number): boolean {
    if (this.size * 2 >= this.#low.length) this.#grow()
    return this.#put(low >>> 0, (high >>> 0) || 1)
  }

  clear(): void {
    this.#high.fill(0)
    this.size = 0
  }

  #put(low: number, high: number): boolean {
    const mask = this.#low.length - 1
    for (let at = (low ^ (high >>> 7)) & mask; ; at = (at + 1) & mask) {
      if (this.#high[at] === 0) {
        this.#low[at] = low
        this.#high[at] = high
        this.size++
        return true
      }
      if (this.#low[at] === low && this.#high[at] === high) return false
    }
  }

  #grow(): void {
    const [low, high] = [this.#low, this.#high]
    this.#low = new Uint32Array(low.length * 2)
    this.#high = new Uint32Array(low.length * 2)
    this.size = 0
    for (const [at, value] of high.entries()) if (value !== 0) this.#put(low[at]!, value)
  }
}

/** Mixes numbers into two independent halves. */
export class Hash {
  low = 0
  high = 0

  begin(): void {
    this.low = 0x2545f491
    this.high = 0x6c078965
  }

  readonly mix = (value: number): void => {
    let low = Math.imul(this.low ^ value, 0x85ebca6b)
    low = Math.imul(low ^ (low >>> 15), 0xc2b2ae35)
    this.low = low ^ (low >>> 13)
    let high = Math.imul(this.high + value, 0x9e3779b1)
    high = Math.imul(high ^ (high >>> 16), 0x7feb352d)
    this.high = high ^ (high >>> 14)
  }
}
