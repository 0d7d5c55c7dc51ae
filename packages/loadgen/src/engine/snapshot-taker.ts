import type { ArrivalQueue } from './arrival-queue.ts'
import type { EngineOptions } from './engine-options.ts'
import type { Exchange } from './exchange.ts'
import type { Program } from './program.ts'
import { StepTally } from './step-tally.ts'
import { ThreadMeter } from './thread-meter.ts'

const SNAPSHOT_PERIOD_MS = 1_000

/** What an engine has measured since its last snapshot, and how long it is until the next. */
export class SnapshotTaker {
  readonly meter: ThreadMeter
  /** Reading of the clock at the begin of the measured part; 0 before the run has begun. */
  measureFromMs = 0
  private readonly program: Program
  private readonly options: EngineOptions
  private readonly arrivals: ArrivalQueue
  private readonly tallies: readonly StepTally[]
  private startedCount = 0
  private completedCount = 0
  private backlogCountMax = 0
  private sinceMs = 0

  constructor(program: Program, options: EngineOptions, arrivals: ArrivalQueue) {
    this.program = program
    this.options = options
    this.arrivals = arrivals
    this.tallies = program.steps.map(() => new StepTally())
    this.meter = new ThreadMeter(options.clock)
  }

  /** Whether the warm-up has not been handed over yet. */
  get isInWarmup(): boolean {
    return this.sinceMs < this.measureFromMs
  }

  /** The run begins, with its warm-up. */
  begin(nowMs: number): void {
    this.sinceMs = nowMs
    this.measureFromMs = nowMs + this.options.warmupMs
    this.meter.start()
  }

  /** Counts the end of a request, unless it was due in the warm-up. */
  add(exchange: Exchange): void {
    if (exchange.dueAtMs < this.measureFromMs) return
    const tally = this.tallies[exchange.step]
    if (tally === undefined) throw new RangeError(`the program has no step ${exchange.step}`)
    tally.add(exchange, this.options.requestTimeoutMs)
  }

  /** Counts a request that is never sent, and whether it was due in the measured part. */
  unsent(step: number, dueAtMs: number, waitedMs: number): boolean {
    if (dueAtMs < this.measureFromMs) return false
    this.tallies[step]?.addUnsent(waitedMs)
    return true
  }

  started(): void {
    this.startedCount++
  }

  /** What was begun has sent nothing, and never will. */
  neverStarted(): void {
    this.startedCount--
  }

  completed(): void {
    this.completedCount++
  }

  /** An arrival was taken up so long after it was due, and leaves so many waiting. */
  takenUp(dueAtMs: number, nowMs: number, backlogCount: number): void {
    if (dueAtMs >= this.measureFromMs) this.meter.takenUp(dueAtMs, nowMs)
    if (backlogCount > this.backlogCountMax) this.backlogCountMax = backlogCount
  }

  /**
   * Milliseconds to the next snapshot: they lie on whole seconds of the measured part, so that those
   * of threads fit together.
   */
  nextInMs(): number {
    const sinceMs = this.options.clock.monotonicMs() - this.measureFromMs
    // A timer that is up to a millisecond early has reached its second.
    return Math.ceil((sinceMs + 1) / SNAPSHOT_PERIOD_MS) * SNAPSHOT_PERIOD_MS - sinceMs
  }

  /** Hands over what was measured until `nowMs`; `waitingCount` requests wait for a connection. */
  emit(waitingCount: number, activeCount: number, nowMs: number): void {
    const { arrivals, options, program } = this
    const fromMs = this.sinceMs
    this.sinceMs = nowMs
    const { dueCount, droppedCount, leftOverCount } = arrivals.takeCounts()
    options.onSnapshot({
      atMs: fromMs - this.measureFromMs,
      lengthMs: nowMs - fromMs,
      steps: this.tallies.map((tally) => tally.take()),
      meter: this.meter.take(),
      // In a closed loop an iteration is due when it begins.
      dueCount: options.dueTimes === undefined ? this.startedCount : dueCount,
      startedCount: this.startedCount,
      completedCount: this.completedCount,
      droppedCount,
      leftOverCount,
      backlogCount: waitingCount + arrivals.waitingCount,
      backlogCountMax: this.backlogCountMax,
      unfinishedCount: activeCount + arrivals.waitingCount,
      counters: program.counters(),
      calls: options.takeCalls(),
    })
    this.startedCount = 0
    this.completedCount = 0
    this.backlogCountMax = 0
  }
}
