/**
 * A small seeded generator of 32-bit numbers: the same seed gives the same run. Not for secrets.
 *
 * The recurrence is a 32-bit xorshift (Marsaglia, "Xorshift RNGs", 2003), whose one forbidden
 * state, zero, is avoided by the mixing of the seed; its period of 2^32 - 1 is far above the
 * number of draws of a shuffle.
 */
export class SeededRandom {
  private state: number

  /** @param seed an integer from 0 to 2^32 - 1. */
  constructor(seed: number) {
    this.state = (Math.imul(seed ^ (seed >>> 16), 0x45d9f3b) ^ 0x9e3779b9) | 0 || 1
    for (let i = 0; i < 8; i++) this.next()
  }

  /** An unsigned 32-bit number. */
  next(): number {
    let x = this.state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.state = x
    return x >>> 0
  }

  /** A whole number from 0 to `bound - 1`; `bound` from 1 to 2^32. */
  below(bound: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * bound)
  }

  /** Puts `cells` in a random order, in place (Fisher and Yates). */
  shuffle(cells: Int32Array): void {
    for (let i = cells.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const kept = cells[i] as number
      cells[i] = cells[j] as number
      cells[j] = kept
    }
  }
}
