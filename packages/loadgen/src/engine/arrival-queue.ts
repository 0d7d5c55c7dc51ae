import type { DueTimes } from '../arrivals/due-times.ts'
import { Fifo } from './fifo.ts'

/** The arrivals of an open loop: those to come, and those that wait for somebody to begin them. */
export class ArrivalQueue {
  /** Reading of the clock when the next arrival is due; Infinity when there is none. */
  nextDueAtMs: number = Number.POSITIVE_INFINITY
  private readonly dueTimes: DueTimes | undefined
  private readonly kept = new Fifo<number>()
  private startMs = 0
  private dueCount = 0
  private droppedCount = 0
  private leftOverCount = 0

  constructor(dueTimes: DueTimes | undefined) {
    this.dueTimes = dueTimes
  }

  /** Whether nothing is to come and nothing waits; always so in a closed loop. */
  get isOver(): boolean {
    return this.nextDueAtMs === Number.POSITIVE_INFINITY && this.kept.size === 0
  }

  get waitingCount(): number {
    return this.kept.size
  }

  start(nowMs: number): void {
    this.startMs = nowMs
    this.advance()
  }

  /** Takes the next arrival and returns when it was due. */
  take(): number {
    const dueAtMs = this.nextDueAtMs
    this.dueCount++
    this.advance()
    return dueAtMs
  }

  /** What was taken waits. */
  keep(dueAtMs: number): void {
    this.kept.push(dueAtMs)
  }

  /** What was taken is thrown away. */
  drop(): void {
    this.droppedCount++
  }

  /** One that waited is thrown away since the run is over. */
  leave(): void {
    this.droppedCount++
    this.leftOverCount++
  }

  /** The arrival that has waited longest. */
  shift(): number {
    return this.kept.shift() ?? 0
  }

  takeCounts(): { dueCount: number; droppedCount: number; leftOverCount: number } {
    const { dueCount, droppedCount, leftOverCount } = this
    this.dueCount = 0
    this.droppedCount = 0
    this.leftOverCount = 0
    return { dueCount, droppedCount, leftOverCount }
  }

  private advance(): void {
    this.nextDueAtMs = this.startMs + (this.dueTimes?.next() ?? Number.POSITIVE_INFINITY)
  }
}
