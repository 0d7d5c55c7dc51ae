import type { DueTimes } from '../arrivals/due-times.ts'
import type { LoadClock } from '../load-clock.ts'
import { RefusalReasons } from '../refusal-reason.ts'
import { ArrivalQueue } from './arrival-queue.ts'
import { Connection, type ConnectionPorts, type LoadConnection } from './connection.ts'
import { ANSWERED, type Exchange, NOT_SENT, RUN_ENDED, UNKNOWN } from './exchange.ts'
import { Fifo } from './fifo.ts'
import { LeanConnection, LeanPorts, REQUEST_TIMEOUT } from './lean-connection.ts'
import type { LoadPort, Program } from './program.ts'
import type { EngineEnd, Snapshot, ThreadEnd } from './snapshot.ts'
import { StepTally } from './step-tally.ts'
import { ThreadMeter } from './thread-meter.ts'
import { Timers } from './timers.ts'

/** Pause of a connection after it broke or could not be made, in milliseconds. */
const RECONNECT_PAUSE_MS = 50
/** Longest that a run which was told to stop waits for the requests in flight, in milliseconds. */
const DRAIN_MAX_MS = 5_000
/** Longest wait for the connections to open before the run starts all the same, in milliseconds. */
const PRECONNECT_MAX_MS = 5_000
const SNAPSHOT_PERIOD_MS = 1_000
const TIMEOUTS: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  REQUEST_TIMEOUT,
])

/** What one thread's engine is told. */
export interface EngineOptions {
  readonly url: string
  readonly connections: number
  /** Iterations at once in a closed loop. */
  readonly concurrency: number
  /** Undefined for a closed loop. */
  readonly dueTimes: DueTimes | undefined
  /** Arrivals and requests that may wait; arrivals beyond are dropped. */
  readonly backlogMax: number
  readonly warmupMs: number
  /** Of the measured part. */
  readonly durationMs: number
  readonly requestTimeoutMs: number
  readonly rideThroughMs: number
  /** Connections are opened with a GET of this path before the run; undefined: by what needs them. */
  readonly preconnectPath: string | undefined
  /** Plain sockets instead of undici. */
  readonly isLean: boolean
  readonly clock: LoadClock
  readonly signal: AbortSignal | undefined
  /** Told once a second and at the end. */
  readonly onSnapshot: (snapshot: Snapshot) => void
  /** Calls recorded since the last time. */
  readonly takeCalls: () => Snapshot['calls']
}

/**
 * Runs a program on this thread over its connections, in a closed loop or at due times.
 *
 * ```text
 *  opening --all open--> running --nothing more to do--> ended
 *                           '--time limit, stop, unreachable--> draining --idle, or 5 s--> ended
 * ```
 *
 * A request takes a free connection or waits for one; arrivals that nobody is free for wait as
 * well. When the time is over, what was due before is still sent, and nothing else.
 *
 * Resolves when every socket and timer is gone; rejects only for a bug.
 */
export class Engine implements ConnectionPorts, LoadPort {
  readonly url: string
  readonly requestTimeoutMs: number
  readonly clock: LoadClock
  readonly reasons: RefusalReasons = new RefusalReasons()

  private readonly program: Program
  private readonly options: EngineOptions
  private readonly connections: LoadConnection[] = []
  private readonly free = new Fifo<LoadConnection>()
  private readonly waiting = new Fifo<Exchange>()
  private readonly arrivals: ArrivalQueue
  private readonly tallies: readonly StepTally[]
  private readonly meter: ThreadMeter
  private readonly timers: Timers
  /** Pauses of the program: they end with the run's time. */
  private readonly pauses: Timers
  private readonly over = Promise.withResolvers<void>()
  /** The connection whose request has just ended, offered first to what follows it. */
  private atHand: LoadConnection | undefined
  private state: 'opening' | 'running' | 'draining' | 'ended' = 'opening'
  private end: EngineEnd = 'completed'
  private openedCount = 0
  private inFlightCount = 0
  private activeCount = 0
  private startedCount = 0
  private completedCount = 0
  private backlogCountMax = 0
  private measureFromMs = 0
  private wallAtMeasureMs = 0
  private lastAnswerMs = 0
  private snapshotAtMs = 0

  constructor(program: Program, options: EngineOptions) {
    this.program = program
    this.options = options
    this.url = options.url
    this.requestTimeoutMs = options.requestTimeoutMs
    this.clock = options.clock
    this.tallies = program.steps.map(() => new StepTally())
    this.meter = new ThreadMeter(options.clock)
    this.timers = new Timers(options.clock, (error) => this.failed(error))
    this.pauses = new Timers(options.clock, (error) => this.failed(error))
    this.arrivals = new ArrivalQueue(options.dueTimes)
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
    } finally {
      this.state = 'ended'
      this.options.signal?.removeEventListener('abort', stop)
      this.timers.cancelAll()
      this.pauses.cancelAll()
      this.meter.stop()
      await Promise.all(this.connections.map((connection) => connection.close()))
    }
    if (this.measureFromMs !== 0) this.emitSnapshot()
    return {
      ended: this.end,
      startedAtMs: this.wallAtMeasureMs,
      elapsedMs: Math.max(0, this.lastAnswerMs - this.measureFromMs),
    }
  }

  send(exchange: Exchange): void {
    if (this.state !== 'running') {
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
    this.completedCount++
    if (this.state !== 'running') return
    if (this.options.dueTimes !== undefined) this.beginWaiting()
    else if (this.activeCount < this.options.concurrency) this.beginClosed()
    this.endWhenIdle()
  }

  failed(error: unknown): void {
    this.state = 'ended'
    this.over.reject(error)
  }

  opened(): void {
    this.openedCount++
    if (this.openedCount === this.connections.length) this.start()
  }

  ended(connection: LoadConnection, exchange: Exchange): void {
    this.inFlightCount--
    if (exchange.dueAtMs >= this.measureFromMs) this.tallyOf(exchange).add(exchange)
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

  private tallyOf(exchange: Exchange): StepTally {
    const tally = this.tallies[exchange.step]
    if (tally === undefined) throw new RangeError(`the program has no step ${exchange.step}`)
    return tally
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
    this.measureFromMs = nowMs + this.options.warmupMs
    this.wallAtMeasureMs = this.clock.wallMs() + this.options.warmupMs
    this.lastAnswerMs = nowMs
    this.snapshotAtMs = nowMs
    this.meter.start()
    this.timers.after(this.options.warmupMs + this.options.durationMs, () => this.timeIsOver())
    this.armSnapshot()
    if (this.options.dueTimes === undefined) {
      this.beginClosed()
      this.endWhenIdle()
      return
    }
    this.arrivals.start(nowMs)
    this.armArrivals()
  }

  /** An open loop has lasted as long as it should; a closed one was not ready. */
  private timeIsOver(): void {
    // Timers are late by turns: whatever was due within the time is taken up before it is over.
    this.takeUpArrivals(this.measureFromMs + this.options.durationMs)
    this.drain(this.options.dueTimes === undefined ? 'time_limit' : 'completed')
  }

  private beginClosed(): void {
    while (this.activeCount < this.options.concurrency && this.program.canBegin()) {
      this.begin(0)
      if (this.state !== 'running') return
    }
  }

  private begin(dueAtMs: number): void {
    this.activeCount++
    this.startedCount++
    this.program.begin(dueAtMs)
  }

  private armArrivals(): void {
    this.takeUpArrivals(this.clock.monotonicMs())
    const waitMs = this.arrivals.nextDueAtMs - this.clock.monotonicMs()
    // Nothing more is due: the run ends when it is idle.
    if (waitMs === Number.POSITIVE_INFINITY) return this.endWhenIdle()
    this.timers.after(Math.max(0, waitMs), () => this.armArrivals())
  }

  /** Arrivals that have become due begin, wait, or are dropped when too many wait. */
  private takeUpArrivals(nowMs: number): void {
    if (this.state !== 'running') return
    const { arrivals, program } = this
    while (arrivals.nextDueAtMs <= nowMs) {
      const dueAtMs = arrivals.take()
      if (dueAtMs >= this.measureFromMs) this.meter.arrivalLag.record(nowMs - dueAtMs)
      if (arrivals.waitingCount === 0 && program.canBegin() && !this.isBacklogFull()) {
        this.begin(dueAtMs)
      } else if (this.isBacklogFull()) arrivals.drop()
      else arrivals.keep(dueAtMs)
      this.noteBacklog()
    }
  }

  private beginWaiting(): void {
    while (this.arrivals.waitingCount > 0 && this.program.canBegin()) {
      this.begin(this.arrivals.shift())
    }
  }

  private isBacklogFull(): boolean {
    return this.waiting.size + this.arrivals.waitingCount >= this.options.backlogMax
  }

  private noteBacklog(): void {
    const count = this.waiting.size + this.arrivals.waitingCount
    if (count > this.backlogCountMax) this.backlogCountMax = count
  }

  private endWhenIdle(): void {
    if (this.inFlightCount > 0 || this.state === 'ended' || this.state === 'opening') return
    if (this.state === 'running') {
      const isDone = this.activeCount === 0 && this.arrivals.isOver
      if (this.program.ended === undefined && !isDone) return
      this.end = this.program.ended ?? 'completed'
    } else if (this.waiting.size > 0) return
    this.state = 'ended'
    this.over.resolve()
  }

  /** Begins nothing more; what is in flight, or due already, may still be answered for a while. */
  private drain(end: EngineEnd): void {
    if (this.state === 'draining' || this.state === 'ended') return
    this.end = end
    this.state = 'draining'
    if (end === 'stopped' || end === 'target_unreachable') {
      while (this.waiting.shift() !== undefined);
    }
    const waitMs = end === 'target_unreachable' ? 0 : Math.min(this.requestTimeoutMs, DRAIN_MAX_MS)
    this.pauses.cancelAll()
    // The requests that are cut off are reported as unknown, which ends the run.
    this.timers.after(waitMs, () => {
      while (this.waiting.shift() !== undefined);
      for (const connection of this.connections) void connection.close()
    })
    this.endWhenIdle()
  }

  /** Time-outs do not count: a target that accepts connections and is slow is there. */
  private isUnreachable({ reason, endedAtMs }: Exchange): boolean {
    if (TIMEOUTS.has(reason)) return false
    const toleratedMs = Math.max(this.options.rideThroughMs, RECONNECT_PAUSE_MS)
    return endedAtMs - this.lastAnswerMs > toleratedMs
  }

  /** Snapshots lie on whole seconds of the measured part, so that those of threads fit together. */
  private armSnapshot(): void {
    const nowMs = this.clock.monotonicMs()
    const sinceMs = nowMs - this.measureFromMs
    // A timer that is up to a millisecond early has reached its second.
    const next = Math.ceil((sinceMs + 1) / SNAPSHOT_PERIOD_MS) * SNAPSHOT_PERIOD_MS
    this.timers.after(next - sinceMs, () => {
      this.emitSnapshot()
      this.armSnapshot()
    })
  }

  private emitSnapshot(): void {
    const nowMs = this.clock.monotonicMs()
    const fromMs = this.snapshotAtMs
    this.snapshotAtMs = nowMs
    const { arrivals } = this
    const started = this.startedCount
    const counts = arrivals.takeCounts()
    const isClosed = this.options.dueTimes === undefined
    this.options.onSnapshot({
      atMs: fromMs - this.measureFromMs,
      lengthMs: nowMs - fromMs,
      steps: this.tallies.map((tally) => tally.take()),
      meter: this.meter.take(),
      dueCount: isClosed ? started : counts.dueCount,
      startedCount: started,
      completedCount: this.completedCount,
      droppedCount: counts.droppedCount,
      backlogCount: this.waiting.size + arrivals.waitingCount,
      backlogCountMax: this.backlogCountMax,
      unfinishedCount: this.activeCount + arrivals.waitingCount,
      counters: this.program.counters(),
      calls: this.options.takeCalls(),
    })
    this.startedCount = 0
    this.completedCount = 0
    this.backlogCountMax = 0
  }
}
