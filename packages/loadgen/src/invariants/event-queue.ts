/**
 * Events in the order of their time, and of their rank where times are equal: a binary heap over
 * three parallel arrays, so that an event costs no object. Adding and taking are O(log n) in the events
 * that wait, which are those of one window of time and not of the whole run.
 */
export class EventQueue<Subject> {
  private readonly times: number[] = []
  private readonly ranks: number[] = []
  private readonly subjects: Subject[] = []

  /** Events waiting. */
  get size(): number {
    return this.times.length
  }

  /** Time of the next event; Infinity when there is none. */
  get nextMs(): number {
    return this.times[0] ?? Infinity
  }

  /** Rank of the next event; only while there is one. */
  get nextRank(): number {
    return this.ranks[0] as number
  }

  add(atMs: number, rank: number, subject: Subject): void {
    let hole = this.times.length
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      if (!this.isBefore(atMs, rank, parent)) break
      this.move(parent, hole)
      hole = parent
    }
    this.place(hole, atMs, rank, subject)
  }

  /** Takes the next event; there must be one. */
  take(): Subject {
    const subject = this.subjects[0] as Subject
    const atMs = this.times.pop() as number
    const rank = this.ranks.pop() as number
    const last = this.subjects.pop() as Subject
    if (this.times.length > 0) this.sink(atMs, rank, last)
    return subject
  }

  private sink(atMs: number, rank: number, subject: Subject): void {
    const size = this.times.length
    let hole = 0
    for (;;) {
      let child = 2 * hole + 1
      if (child >= size) break
      const right = child + 1
      if (right < size && this.isBefore(this.times[right] as number, this.ranks[right] as number, child)) {
        child = right
      }
      if (this.isBefore(atMs, rank, child)) break
      this.move(child, hole)
      hole = child
    }
    this.place(hole, atMs, rank, subject)
  }

  private isBefore(atMs: number, rank: number, index: number): boolean {
    const other = this.times[index] as number
    return atMs < other || (atMs === other && rank < (this.ranks[index] as number))
  }

  private move(from: number, to: number): void {
    this.place(to, this.times[from] as number, this.ranks[from] as number, this.subjects[from] as Subject)
  }

  private place(index: number, atMs: number, rank: number, subject: Subject): void {
    this.times[index] = atMs
    this.ranks[index] = rank
    this.subjects[index] = subject
  }
}
