import type { OutcomeCount } from './run-result.ts'

/** Outcomes of one step, counted by status and reason. */
export class StepCounts {
  private readonly byStatus = new Map<number, Map<string, number>>()

  /** Counts one outcome; `reason` is empty for an answer that gives none. */
  add(status: number, reason: string, count = 1): void {
    let byReason = this.byStatus.get(status)
    if (byReason === undefined) {
      byReason = new Map()
      this.byStatus.set(status, byReason)
    }
    byReason.set(reason, (byReason.get(reason) ?? 0) + count)
  }

  /** The counts, by status, then the most frequent reason first. */
  list(): OutcomeCount[] {
    const found: OutcomeCount[] = []
    for (const [status, byReason] of this.byStatus) {
      for (const [reason, count] of byReason) found.push({ status, reason, count })
    }
    return found.toSorted((a, b) => a.status - b.status || b.count - a.count)
  }
}
