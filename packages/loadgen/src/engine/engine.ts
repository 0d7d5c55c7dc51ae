import type { LoadClock } from '../load-clock.ts'
import { LoadgenError } from '../loadgen-error.ts'
import { RefusalReasons } from '../refusal-reason.ts'
import { ArrivalPacer } from './arrival-pacer.ts'
import { ArrivalQueue } from './arrival-queue.ts'
import { Connection, type ConnectionPorts, type LoadConnection } from './connection.ts'
import type { EngineOptions } from './engine-options.ts'
import {
  ANSWERED,
  CUT_BY_GENERATOR,
  type Exchange,
  isTimeout,
  NOT_SENT,
  REQUEST_TIMEOUT,
  RUN_ENDED,
  UNKNOWN,
} from './exchange.ts'
import { Fifo } from './fifo.ts'
import { LeanConnection, LeanPorts } from './lean-connection.ts'
import type { LoadPort, Program } from './program.ts'
import type { EngineEnd, ThreadEnd } from './snapshot.ts'
import { SnapshotTaker } from './snapshot-taker.ts'
import { Timers } from './timers.ts'

/** Pause of a connection after it broke or could not be made, in milliseconds. */
const RECONNECT_PAUSE_MS = 50
/** Longest that a run which was told to stop waits for the requests in flight, in milliseconds. */
const STOP_WAIT_MAX_MS = 5_000
/** A timer may be a millisecond early: what hangs since the last moment has had its whole time-out. */
const DRAIN_SLACK_MS = 5
/** Longest wait for the connections to open before the run starts all the same, in milliseconds. */
const PRECONNECT_MAX_MS = 5_000

/**
 * Runs a program on this thread over its connections, in a closed loop or at due times.
 *
 * ```text
 *  opening --all open--> running --nothing more to do--> ended
 *                           '--time limit, stop, unreachable--> draining --idle, or time-out--> ended
 * ```
 *
 * A request takes a free connection or waits for one; arrivals that nobody is free for wait as
 * well. When the time is over, what was due before is still sent, and nothing else, for as long as a
 * request may take; what is still waiting then counts as never sent, what is in flight as cut off.
 *
 * Resolves when every socket and timer is gone; rejects only for a bug.
 */
export class Engine implements ConnectionPorts, LoadPort {
  readonly url: string
  readonly authorization: string | undefined
  readonly requestTimeoutMs: number
  readonly clock: LoadClock
  readonly reasons: RefusalReasons = new RefusalReasons()

  private readonly program: Program
  private readonly options: EngineOptions
  private readonly connections: LoadConnection[] = []
  private readonly free = new Fifo<LoadConnection>()
  private readonly waiting = new Fifo<Exchange>()
  private readonly arrivals: ArrivalQueue
  private readonly snapshots: SnapshotTaker
  private readonly timers: Timers
  private readonly pacer: ArrivalPacer
  /** Pauses of the program: they end with the run's time. */
  private readonly pauses: Timers
  private readonly over = Promise.withResolvers<void>()
  /** The connection whose request has just ended, offered first to what follows it. */
  private atHand: LoadConnection | undefined
  private state: 'opening' | 'running' | 'draining' | 'ended' = 'opening'
  private end: EngineEnd = 'completed'
  private fault: string | undefined
  private openedCount = 0
  private inFlightCount = 0
  private activeCount = 0
  private isCutting = false
  private isEndAsked = false
  private wallAtMeasureMs = 0
  private lastAnswerMs = 0

  constructor(program: Program, options: EngineOptions) {
    this.program = program
    this.options = options
    this.url = options.url
    this.authorization = options.authorization
    this.requestTimeoutMs = options.requestTimeoutMs
    this.clock = options.clock
    this.timers = new Timers(options.clock, (error) => this.failed(error))
    this.pauses = new Timers(options.clock, (error) => this.failed(error))
    this.arrivals = new ArrivalQueue(options.dueTimes)
    this.snapshots = new SnapshotTaker(program, options, this.arrivals)
    this.pacer = new ArrivalPacer(options.clock, this.timers, this.arrivals, {
      takeUp: (nowMs) => this.takeUpArrivals(nowMs),
      spun: (lengthMs) => this.snapshots.meter.spun(lengthMs),
      // The run ends when it is idle.
      over: () => this.endWhenIdle(),
    })
    program.attach(this)
  }

  get isRunning(): boolean {
    return this.state === 'running'
  }

  async run(): Promise<ThreadEnd> {
    const stop = (): void => this.drain('stopped')
    this.options.signal?.addEventListener('abort', stop)
    try {
      const lean = this.options.isLean ? new LeanPorts(this) : undefined
      for (let i = 0; i < this.options.connections; i++) {
        const connection = lean === undefined ? new Connection(this) : new LeanConnection(lean)
        this.connections.push(connection)
        this.free.push(connection)
      }
      if (this.options.signal?.aborted === true) stop()
      else if (this.options.preconnectPath === undefined) this.start()
      else this.openAll(this.options.preconnectPath)
      await this.over.promise
      if (this.program.ended === undefined) this.leaveUnsent()
    } finally {
      this.state = 'ended'
      this.options.signal?.removeEventListener('abort', stop)
      this.timers.cancelAll()
      this.pauses.cancelAll()
      this.snapshots.meter.stop()
      await Promise.all(this.connections.map((connection) => connection.close()))
    }
    const { measureFromMs } = this.snapshots
    if (measureFromMs !== 0) {
      this.closeWarmup(this.clock.monotonicMs())
      this.emitSnapshot()
    }
    return {
      ended: this.end,
      startedAtMs: this.wallAtMeasureMs,
      elapsedMs: Math.max(
        this.lasts && this.end === 'completed' ? this.options.durationMs : 0,
        this.lastAnswerMs - measureFromMs,
      ),
      ...(this.fault === undefined ? {} : { fault: this.fault }),
    }
  }

  send(exchange: Exchange): void {
    exchange.isArrival = exchange.dueAtMs !== 0
    if (this.state !== 'running' && !(exchange.isArrival && this.isSendingDue)) {
      exchange.outcome = NOT_SENT
      exchange.status = 0
      exchange.reason = RUN_ENDED
      return exchange.owner.exchangeEnded(exchange)
    }
    if (exchange.dueAtMs === 0) exchange.dueAtMs = this.clock.monotonicMs()
    const connection = this.atHand ?? this.free.shift()
    this.atHand = undefined
    if (connection === undefined) this.waiting.push(exchange)
    else this.dispatch(connection, exchange)
  }

  later(delayMs: number, run: () => void): void {
    if (this.state === 'running') this.pauses.after(delayMs, run)
  }

  iterationDone(): void {
    this.activeCount--
    this.snapshots.completed()
    if (this.options.dueTimes !== undefined) this.beginWaiting()
    else if (this.state === 'running' && this.activeCount < this.options.concurrency) this.beginClosed()
    this.endWhenIdle()
  }

  /** What a scenario throws ends the run, not the report of it. */
  failed(error: unknown): void {
    const isOfScenario = error instanceof LoadgenError && error.code === 'LOADGEN_SCENARIO_INVALID'
    if (isOfScenario && this.lastAnswerMs > this.snapshots.measureFromMs) {
      this.fault ??= error.message
      return this.drain('stopped')
    }
    this.state = 'ended'
    this.over.reject(error)
  }

  opened(): void {
    this.openedCount++
    if (this.openedCount === this.connections.length) this.start()
  }

  ended(connection: LoadConnection, exchange: Exchange): void {
    this.inFlightCount--
    this.closeWarmup(exchange.dueAtMs)
    if (this.isCutting && exchange.outcome !== ANSWERED) {
      const hasHadItsTime = exchange.endedAtMs - exchange.sentAtMs >= this.requestTimeoutMs
      exchange.reason = hasHadItsTime ? REQUEST_TIMEOUT : CUT_BY_GENERATOR
    }
    this.snapshots.add(exchange)
    exchange.dueAtMs = 0
    if (exchange.outcome === ANSWERED) {
      this.lastAnswerMs = exchange.endedAtMs
      this.reuse(connection)
    } else {
      this.recover(connection, exchange)
    }
    exchange.owner.exchangeEnded(exchange)
    const left = this.atHand
    if (left !== undefined) {
      this.atHand = undefined
      this.free.push(left)
    }
    if (this.options.dueTimes !== undefined) this.takeUpArrivals(exchange.endedAtMs)
    this.endWhenIdle()
  }

  /** What waits comes before what the program is about to send. */
  private reuse(connection: LoadConnection): void {
    const next = this.waiting.shift()
    if (next === undefined) this.atHand = connection
    else this.dispatch(connection, next)
  }

  private recover(connection: LoadConnection, exchange: Exchange): void {
    if (this.state === 'ended') return
    if (exchange.outcome === UNKNOWN) connection.replaceClient()
    if (this.state === 'running' && this.isUnreachable(exchange)) this.drain('target_unreachable')
    this.timers.after(RECONNECT_PAUSE_MS, () => {
      const next = this.waiting.shift()
      if (next === undefined) this.free.push(connection)
      else this.dispatch(connection, next)
    })
  }

  private dispatch(connection: LoadConnection, exchange: Exchange): void {
    this.inFlightCount++
    connection.send(exchange)
  }

  private openAll(path: string): void {
    this.timers.after(PRECONNECT_MAX_MS, () => this.start())
    for (const connection of this.connections) connection.open(path)
  }

  private start(): void {
    if (this.state !== 'opening') return
    this.state = 'running'
    const nowMs = this.clock.monotonicMs()
    this.snapshots.begin(nowMs)
    this.wallAtMeasureMs = this.clock.wallMs() + this.options.warmupMs
    this.lastAnswerMs = nowMs
    this.timers.after(this.options.warmupMs + this.options.durationMs, () => this.timeIsOver())
    this.armSnapshot()
    if (this.options.dueTimes === undefined) {
      this.beginClosed()
      this.endWhenIdle()
      return
    }
    this.arrivals.start(nowMs)
    this.pacer.arm()
  }

  /** An open loop has lasted as long as it should; a closed one was not ready. */
  private timeIsOver(): void {
    // Timers are late by turns: whatever was due within the time is taken up before it is over.
    this.takeUpArrivals(this.snapshots.measureFromMs + this.options.durationMs)
    this.drain(this.options.dueTimes === undefined ? 'time_limit' : 'completed')
  }

  private beginClosed(): void {
    while (this.activeCount < this.options.concurrency && this.program.canBegin()) {
      this.begin(0)
      if (this.state !== 'running') return
    }
  }

  private begin(dueAtMs: number): void {
    if (this.snapshots.isInWarmup) this.closeWarmup(dueAtMs === 0 ? this.clock.monotonicMs() : dueAtMs)
    this.activeCount++
    this.snapshots.started()
    this.program.begin(dueAtMs)
  }

  /** Arrivals that have become due begin, wait, or are dropped when too many wait. */
  private takeUpArrivals(nowMs: number): void {
    if (this.state !== 'running') return
    const { arrivals, program } = this
    while (arrivals.nextDueAtMs <= nowMs) {
      this.closeWarmup(arrivals.nextDueAtMs)
      const dueAtMs = arrivals.take()
      if (arrivals.waitingCount === 0 && program.canBegin() && !this.isBacklogFull()) {
        this.begin(dueAtMs)
      } else if (this.isBacklogFull()) {
        arrivals.drop()
        this.snapshots.unsent(0, dueAtMs, this.requestTimeoutMs)
      } else arrivals.keep(dueAtMs)
      this.snapshots.takenUp(dueAtMs, nowMs, this.backlogCount)
    }
  }

  private beginWaiting(): void {
    if (this.state !== 'running' && !this.isSendingDue) return
    while (this.arrivals.waitingCount > 0 && this.program.canBegin()) {
      this.begin(this.arrivals.shift())
    }
  }

  /** An open loop lasts as long as it was told to, though nothing more is due: its rate is per time. */
  private get lasts(): boolean {
    const { dueTimes, endsWithArrivals } = this.options
    return dueTimes !== undefined && !endsWithArrivals
  }

  private get backlogCount(): number {
    return this.waiting.size + this.arrivals.waitingCount
  }

  private isBacklogFull(): boolean {
    return this.backlogCount >= this.options.backlogMax
  }

  private endWhenIdle(): void {
    if (this.inFlightCount > 0 || this.state === 'ended' || this.state === 'opening') return
    if (this.state === 'running') {
      const isDone = this.activeCount === 0 && this.arrivals.isOver && !this.lasts
      if (this.program.ended === undefined && !isDone) return
      this.end = this.program.ended ?? 'completed'
    } else if (this.waiting.size > 0) return
    else if (this.activeCount + this.arrivals.waitingCount > 0 && !this.isCutting) return this.askForEnd()
    this.state = 'ended'
    this.over.resolve()
  }

  /** Nothing is in flight: what was answered is told by a promise, and may free somebody for what waits. */
  private askForEnd(): void {
    if (this.isEndAsked) return
    this.isEndAsked = true
    this.timers.after(0, () => {
      this.isEndAsked = false
      if (this.state !== 'draining' || this.inFlightCount > 0 || this.waiting.size > 0) return
      this.beginWaiting()
      if (this.inFlightCount > 0 || this.waiting.size > 0) return
      this.state = 'ended'
      this.over.resolve()
    })
  }

  /** The time is over, but not for what was due before. */
  private get isSendingDue(): boolean {
    return this.state === 'draining' && this.end === 'completed' && !this.isCutting
  }

  /** What waits is never sent: it has no answer, at least not within its time-out. */
  private leaveUnsent(): void {
    this.leaveWaiting()
    while (this.arrivals.waitingCount > 0) {
      const dueAtMs = this.arrivals.shift()
      if (this.snapshots.unsent(0, dueAtMs, this.waitedMs(dueAtMs))) this.arrivals.leave()
    }
  }

  private leaveWaiting(): void {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      const isMeasured = this.snapshots.unsent(next.step, next.dueAtMs, this.waitedMs(next.dueAtMs))
      if (!next.isArrival) continue
      this.activeCount--
      this.snapshots.neverStarted()
      if (isMeasured) this.arrivals.leave()
    }
  }

  /** Whoever stops a run gives nobody their whole time-out. */
  private waitedMs(dueAtMs: number): number {
    const leastMs = this.end === 'stopped' ? 0 : this.requestTimeoutMs
    return Math.max(leastMs, this.clock.monotonicMs() - dueAtMs)
  }

  /** Begins nothing more; what is in flight, or due already, may still be answered for a while. */
  private drain(end: EngineEnd): void {
    if (this.state === 'draining' || this.state === 'ended') return
    this.end = end
    this.state = 'draining'
    if (end === 'stopped' || end === 'target_unreachable') this.leaveWaiting()
    const timeoutMs = this.requestTimeoutMs + DRAIN_SLACK_MS
    const waitMs =
      end === 'target_unreachable' ? 0 : end === 'stopped' ? Math.min(timeoutMs, STOP_WAIT_MAX_MS) : timeoutMs
    this.pauses.cancelAll()
    // The requests that are cut off are reported as unknown, which ends the run.
    this.timers.after(waitMs, () => {
      this.isCutting = true
      this.leaveWaiting()
      for (const connection of this.connections) void connection.close()
      // What waited was all that was left when every connection was pausing after a failure.
      this.endWhenIdle()
    })
    this.endWhenIdle()
  }

  /** Time-outs do not count: a target that accepts connections and is slow is there. */
  private isUnreachable(exchange: Exchange): boolean {
    if (isTimeout(exchange)) return false
    const toleratedMs = Math.max(this.options.rideThroughMs, RECONNECT_PAUSE_MS)
    return exchange.endedAtMs - this.lastAnswerMs > toleratedMs
  }

  private armSnapshot(): void {
    this.timers.after(this.snapshots.nextInMs(), () => {
      if (!this.closeWarmup(this.clock.monotonicMs())) this.emitSnapshot()
      this.armSnapshot()
    })
  }

  private emitSnapshot(): void {
    this.snapshots.emit(this.waiting.size, this.activeCount, this.clock.monotonicMs())
  }

  /**
   * The warm-up ends with a snapshot of its own, before anything of the measured part is counted,
   * however late the timer is. Whether it ended now.
   */
  private closeWarmup(atMs: number): boolean {
    const { snapshots } = this
    if (!snapshots.isInWarmup || atMs < snapshots.measureFromMs) return false
    snapshots.emit(this.waiting.size, this.activeCount, snapshots.measureFromMs)
    return true
  }
}
