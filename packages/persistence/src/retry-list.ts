import type { Batch } from './batch.ts'

/** Batches that were sent and must be sent again, each not before its time. */
export class RetryList<Row> {
  #batches: Batch<Row>[] = []
  #rowCount = 0

  get rowCount(): number {
    return this.#rowCount
  }

  add(batch: Batch<Row>): void {
    this.#batches.push(batch)
    this.#rowCount += batch.rows.length
  }

  /** When the first of them may be sent; Infinity when there is none. */
  earliestMs(): number {
    let earliest = Infinity
    for (const batch of this.#batches) earliest = Math.min(earliest, batch.notBeforeMs)
    return earliest
  }

  /** Removes and returns a batch whose time has come. */
  takeReady(nowMs: number): Batch<Row> | undefined {
    const index = this.#batches.findIndex((batch) => batch.notBeforeMs <= nowMs)
    if (index < 0) return undefined
    const [batch] = this.#batches.splice(index, 1)
    this.#rowCount -= batch?.rows.length ?? 0
    return batch
  }

  /** Removes and returns all batches that `isWanted` names. */
  takeWhere(isWanted: (batch: Batch<Row>) => boolean): Batch<Row>[] {
    const taken = this.#batches.filter(isWanted)
    this.#batches = this.#batches.filter((batch) => !taken.includes(batch))
    for (const batch of taken) this.#rowCount -= batch.rows.length
    return taken
  }

  /** The lowest sequence among them; Infinity when there is none. */
  oldestSequence(): number {
    let oldest = Infinity
    for (const batch of this.#batches) oldest = Math.min(oldest, batch.firstSequence)
    return oldest
  }
}
