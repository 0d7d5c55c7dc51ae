/**
 * How often each rare thing happened: "sometimes" assertions. A campaign in which one of `REQUIRED` never
 * occurred has not tested what it claims to.
 */
export class Counters {
  readonly #counts = new Map<string, number>()

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  merge(other: Readonly<Record<string, number>>): void {
    for (const [name, count] of Object.entries(other)) this.#counts.set(name, (this.#counts.get(name) ?? 0) + count)
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries([...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }
}
