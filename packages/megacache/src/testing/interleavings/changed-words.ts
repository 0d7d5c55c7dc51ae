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

  /** A word that is about to change for the first time. */
  add(words: Words, index: number, address: number): void {
    this.#words.push(words)
    this.#indexes.push(index)
    this.#addresses.push(address)
    this.#initial.push(words[index]!)
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

  /** Tells the addresses for which `matters` says so, and what they hold; not those that hold what they did at the start. */
  hash(mix: (value: number) => void, matters: (address: number) => boolean): void {
    for (let i = 0; i < this.#addresses.length; i++) {
      const address = this.#addresses[i]!
      const value = this.#words[i]![this.#indexes[i]!]!
      if (value === this.#initial[i] || !matters(address)) continue
      mix(address)
      mix(value)
    }
  }
}
