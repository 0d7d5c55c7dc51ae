const POOL_WORDS = 4096

/**
 * Random 32-bit words from the CSPRNG of Web Crypto, which browsers have as well, drawn 16 KB at a time: one call for each code
 * would cost more than the rest of a reservation. A word is handed out once and overwritten.
 */
export class RandomWords {
  readonly #pool = new Int32Array(POOL_WORDS)
  #next = POOL_WORDS

  take(): number {
    if (this.#next === POOL_WORDS) {
      crypto.getRandomValues(this.#pool)
      this.#next = 0
    }
    const word = this.#pool[this.#next]!
    this.#pool[this.#next++] = 0
    return word
  }
}
