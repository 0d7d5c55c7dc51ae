/** A bounded first-in first-out ring of rows with the time each came in. */
export class RowQueue<Row> {
  readonly capacity: number
  readonly #rows: (Row | undefined)[]
  readonly #queuedAtMs: Float64Array
  #head = 0
  #length = 0

  constructor(capacity: number) {
    if (!Number.isSafeInteger(capacity) || capacity < 1) throw new RangeError('a queue has room for a row')
    this.capacity = capacity
    this.#rows = Array.from({ length: capacity }, () => undefined)
    this.#queuedAtMs = new Float64Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  /** When the oldest row came in, or undefined when there is none. */
  get oldestQueuedAtMs(): number | undefined {
    return this.#length === 0 ? undefined : this.#queuedAtMs[this.#head]
  }

  /** The caller has checked that there is room. */
  push(row: Row, nowMs: number): void {
    let tail = this.#head + this.#length
    if (tail >= this.capacity) tail -= this.capacity
    this.#rows[tail] = row
    this.#queuedAtMs[tail] = nowMs
    this.#length += 1
  }

  /** Removes and returns the oldest rows, at most `countMax`. */
  take(countMax: number): Row[] {
    const count = Math.min(countMax, this.#length)
    const taken: Row[] = []
    for (let index = 0; index < count; index += 1) {
      const row = this.#rows[this.#head]
      if (row !== undefined) taken.push(row)
      this.#rows[this.#head] = undefined
      this.#head = this.#head + 1 === this.capacity ? 0 : this.#head + 1
    }
    this.#length -= count
    return taken
  }
}
