import type { Words } from '../../atomic-words.ts'

/**
 * Every word of a world that was ever changed since the start, and what it held then: to save a state is to save these,
 * some dozens, and not the thousands of words of a sale. The list grows while a world is explored.
 */
export class ChangedWords {
  readonly #words: Words[] = []
  readonly #indexes: number[] = []
  readonly #addresses: number[] = []
  readonly #initial: number[] = []
  #known = new Uint8Array(1 << 15)

  /** A word is about to change; says whether it is for the first time. */
  add(words: Words, index: number, address: number): boolean {
    if (this.#known[address] === 1) return false
    if (address >= this.#known.length) this.#grow(address)
    this.#known[address] = 1
    this.#words.push(words)
    this.#indexes.push(index)
    this.#addresses.push(address)
    this.#initial.push(words[index]!)
    return true
  }

  save(): Int32Array {
    const values = new Int32Array(this.#words.length)
    for (let i = 0; i < values.length; i++) values[i] = this.#words[i]![this.#indexes[i]!]!
    return values
  }

  /** Puts back what `save` returned, then or since; without it, what all words held at the start. */
  restore(values: Int32Array | undefined): void {
    const saved = values?.length ?? 0
    for (let i = 0; i < this.#words.length; i++) {
      this.#words[i]![this.#indexes[i]!] = i < saved ? values![i]! : this.#initial[i]!
    }
  }

  /** Tells every address that does not hold what it did at the start, and what it holds. */
  hash(mix: (value: number) => void): void {
    for (let i = 0; i < this.#addresses.length; i++) {
      const value = this.#words[i]![this.#indexes[i]!]!
      if (value === this.#initial[i]) continue
      mix(this.#addresses[i]!)
      mix(value)
    }
  }

  #grow(address: number): void {
    const known = new Uint8Array(address * 2)
    known.set(this.#known)
    this.#known = known
  }
}
