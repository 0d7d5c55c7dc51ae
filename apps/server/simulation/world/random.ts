/**
 * Everything random in a simulated world comes from its seed through one of these. The generator is sfc32 (Chris
 * Doty-Humphrey, PractRand); streams with other names are independent, so that a draw added in one place does
 * not shift those of another.
 */
export class Random {
  readonly #seed: string
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: string) {
    this.#seed = seed
    this.#a = hash(`${seed}/a`)
    this.#b = hash(`${seed}/b`)
    this.#c = hash(`${seed}/c`)
    for (let round = 0; round < 12; round++) this.word()
  }

  /** A stream of its own, named within this one. */
  stream(name: string): Random {
    return new Random(`${this.#seed}/${name}`)
  }

  /** An unsigned 32-bit word. */
  word(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** At least 0, below 1. */
  fraction(): number {
    return this.word() / 4_294_967_296
  }

  /** An integer from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1))
  }

  /** At least `min`, below `max`. */
  between(min: number, max: number): number {
    return min + this.fraction() * (max - min)
  }

  /** Mostly near `min`, sometimes up to `max`: as delays are. */
  skewed(min: number, max: number): number {
    return min + (max - min) * this.fraction() ** 4
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.fraction() * from.length)]
    if (picked === undefined) throw new Error('there is nothing to pick from')
    return picked
  }
}

/** FNV-1a, finished as in MurmurHash3. */
function hash(text: string): number {
  let state = 0x811c9dc5
  for (let index = 0; index < text.length; index++) state = Math.imul(state ^ text.charCodeAt(index), 0x01000193)
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35)
  return (state ^ (state >>> 16)) >>> 0
}
