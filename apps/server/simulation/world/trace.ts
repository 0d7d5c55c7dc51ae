/**
 * What happened in a run, in order: a hash always, which two runs of one seed must share, and the lines themselves when
 * somebody wants to read them.
 */
export class Trace {
  readonly #show: ((line: string) => void) | undefined
  readonly #now: () => number
  #low = 0x811c9dc5
  #high = 0x9747b28c
  #lineCount = 0

  constructor(now: () => number, show?: (line: string) => void) {
    this.#now = now
    this.#show = show
  }

  get lineCount(): number {
    return this.#lineCount
  }

  /** Sixteen hexadecimal digits. */
  get hash(): string {
    return [this.#high, this.#low].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
  }

  add(who: string, what: string): void {
    const line = `${this.#now().toFixed(3)} ${who} ${what}`
    this.#lineCount++
    for (let index = 0; index < line.length; index++) {
      const code = line.charCodeAt(index)
      this.#low = Math.imul(this.#low ^ code, 0x01000193)
      this.#high = Math.imul(this.#high ^ code, 0x5bd1e995) ^ (this.#low >>> 13)
    }
    this.#show?.(line)
  }
}
