import type { LoadClock } from '../load-clock.ts'
import { RefusalReasons } from '../refusal-reason.ts'
import { FINISHED, type Scenario, SEND } from '../scenario/scenario.ts'
import { Connection, type ConnectionPorts } from './connection.ts'
import { ANSWERED, UNKNOWN } from './exchange.ts'
import { type RunEnd, type RunMeasurement, type RunProgress, StepTally } from './measurement.ts'

/** Pause of a connection after it broke or could not be made, in milliseconds. */
const RECONNECT_PAUSE_MS = 50
/** Longest that a run which was told to stop waits for the requests in flight, in milliseconds. */
const DRAIN_MAX_MS = 5_000
/**
 * Longest wait for the connections to open before the run starts all the same, in milliseconds.
 */
const PRECONNECT_MAX_MS = 5_000
const PROGRESS_PERIOD_MS = 1_000

/** What the runner is told. */
export interface RunnerOptions {
  readonly url: string
  readonly connections: number
  readonly durationMs: number
  readonly requestTimeoutMs: number
  readonly rideThroughMs: number
  readonly preconnect: boolean
  readonly clock: LoadClock
  readonly signal: AbortSignal | undefined
  /** Called about once a second. */
  readonly onProgress: (progress: RunProgress) => void
}

/**
 * Runs a scenario in a closed loop: each connection sends its next request when the last one has
 * ended.
 *
 * ```text
 *  opening --all open--> running --scenario ended, nothing in flight--> ended
 *                           '--time limit, stop, unreachable--> draining --idle, or 5 s--> ended
 * ```
 *
 * Resolves when every socket and timer is gone; rejects only for a bug or a history that cannot be
 * written.
 */
export function runScenario(scenario: Scenario, options: RunnerOptions): Promise<RunMeasurement> {
  return new Runner(scenario, options).run()
}

class Runner implements ConnectionPorts {
  readonly url: string
  readonly requestTimeoutMs: number
  readonly clock: LoadClock
  readonly reasons: RefusalReasons = new RefusalReasons()

  private readonly scenario: Scenario
  private readonly options: RunnerOptions
  private readonly connections: Connection[] = []
  private readonly tally: StepTally
  private readonly over = Promise.withResolvers<void>()
  private readonly timers = new Map<string, () => void>()
  private state: 'opening' | 'running' | 'draining' | 'ended' = 'opening'
  private end: RunEnd = 'completed'
  private openedCount = 0
  private inFlightCount = 0
  private firstSentMs = 0
  private lastAnswerMs = 0
  private startCpuMs = 0
  private progressAnswerCount = 0
  private progressAtMs = 0

  constructor(scenario: Scenario, options: RunnerOptions) {
    this.scenario = scenario
    this.options = options
    this.url = options.url
    this.requestTimeoutMs = options.requestTimeoutMs
    this.clock = options.clock
    this.tally = new StepTally(scenario.steps)
  }

  async run(): Promise<RunMeasurement> {
    const stop = (): void => this.drain('stopped')
    this.options.signal?.addEventListener('abort', stop)
    try {
      for (let i = 0; i < this.options.connections; i++) {
        this.connections.push(new Connection(i, this))
      }
      if (this.options.signal?.aborted === true) stop()
      else if (this.options.preconnect) this.openAll()
      else this.start()
      await this.over.promise
    } finally {
      this.options.signal?.removeEventListener('abort', stop)
      for (const cancel of this.timers.values()) cancel()
      this.cancelPauses()
      await Promise.all(this.connections.map((connection) => connection.close()))
    }
    if (this.firstSentMs !== 0) this.reportProgress()
    return this.measurement()
  }

  opened(): void {
    this.openedCount++
    if (this.state === 'opening' && this.openedCount === this.connections.length) this.start()
  }

  ended(connection: Connection): void {
    const exchange = connection.exchange
    this.inFlightCount--
    this.tally.add(exchange)
    if (exchange.outcome === ANSWERED) {
      this.lastAnswerMs = exchange.endedAtMs
      this.scenario.answered(exchange)
      return this.advance(connection, exchange.endedAtMs)
    }
    this.scenario.answered(exchange)
    if (this.state === 'ended') return
    if (exchange.outcome === UNKNOWN) connection.replaceClient()
    if (this.state === 'running' && this.isUnreachable(exchange.reason, exchange.endedAtMs)) {
      this.drain('target_unreachable')
    } else {
      this.pause(connection, RECONNECT_PAUSE_MS)
    }
  }

  failed(error: unknown): void {
    this.state = 'ended'
    this.over.reject(error)
  }

  private openAll(): void {
    this.setTimer('opening', PRECONNECT_MAX_MS, () => this.start())
    for (const connection of this.connections) connection.open()
  }

  private start(): void {
    if (this.state !== 'opening') return
    this.state = 'running'
    this.timers.get('opening')?.()
    this.startCpuMs = this.clock.cpuMs()
    this.firstSentMs = this.clock.monotonicMs()
    this.lastAnswerMs = this.firstSentMs
    this.progressAtMs = this.firstSentMs
    this.setTimer('time limit', this.options.durationMs, () => this.drain('time_limit'))
    this.setTimer('progress', PROGRESS_PERIOD_MS, () => this.tick())
    for (const connection of this.connections) this.advance(connection, this.firstSentMs)
  }

  private advance(connection: Connection, nowMs: number): void {
    if (this.state !== 'running') return this.endWhenIdle()
    const next = this.scenario.next(connection.exchange, nowMs)
    if (next === SEND) {
      this.inFlightCount++
      connection.send()
    } else if (next === FINISHED) {
      this.endWhenIdle()
    } else {
      this.pause(connection, next)
      this.endWhenIdle()
    }
  }

  private pause(connection: Connection, pauseMs: number): void {
    if (this.state !== 'running') return this.endWhenIdle()
    connection.cancelPause = this.clock.setTimer(pauseMs, () => {
      connection.cancelPause = undefined
      this.guarded(() => this.advance(connection, this.clock.monotonicMs()))
    })
  }

  private endWhenIdle(): void {
    if (this.inFlightCount > 0 || this.state === 'ended' || this.state === 'opening') return
    if (this.state === 'running') {
      if (this.scenario.ended === undefined) return
      this.end = this.scenario.ended
    }
    this.state = 'ended'
    this.over.resolve()
  }

  /** Sends nothing more; what is in flight may still be answered for a while. */
  private drain(end: RunEnd): void {
    if (this.state === 'draining' || this.state === 'ended') return
    this.end = end
    this.state = 'draining'
    this.cancelPauses()
    const waitMs = end === 'target_unreachable' ? 0 : Math.min(this.requestTimeoutMs, DRAIN_MAX_MS)
    // The requests that are cut off are reported as unknown, which ends the run.
    this.setTimer('drain', waitMs, () => {
      for (const connection of this.connections) void connection.close()
    })
    this.endWhenIdle()
  }

  /** Time-outs do not count: a target that accepts connections and is slow is there. */
  private isUnreachable(reason: string, nowMs: number): boolean {
    if (reason === 'UND_ERR_HEADERS_TIMEOUT' || reason === 'UND_ERR_BODY_TIMEOUT') return false
    const toleratedMs = Math.max(this.options.rideThroughMs, RECONNECT_PAUSE_MS)
    return nowMs - this.lastAnswerMs > toleratedMs
  }

  private tick(): void {
    this.reportProgress()
    this.setTimer('progress', PROGRESS_PERIOD_MS, () => this.tick())
  }

  private reportProgress(): void {
    const nowMs = this.clock.monotonicMs()
    const answers = this.tally.answerCount - this.progressAnswerCount
    const sinceMs = nowMs - this.progressAtMs
    this.progressAnswerCount = this.tally.answerCount
    this.progressAtMs = nowMs
    this.options.onProgress({
      ...this.scenario.progress(),
      elapsedMs: nowMs - this.firstSentMs,
      answerCount: this.tally.answerCount,
      answersPerSecond: sinceMs > 0 ? Math.round((answers * 1_000) / sinceMs) : 0,
      noAnswerCount: this.tally.noAnswerCount,
    })
  }

  private setTimer(name: string, delayMs: number, run: () => void): void {
    this.timers.set(
      name,
      this.clock.setTimer(delayMs, () => this.guarded(run)),
    )
  }

  private guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.failed(error)
    }
  }

  private cancelPauses(): void {
    for (const connection of this.connections) {
      connection.cancelPause?.()
      connection.cancelPause = undefined
    }
  }

  private measurement(): RunMeasurement {
    const elapsedMs = Math.max(0, this.lastAnswerMs - this.firstSentMs)
    return {
      ended: this.end,
      elapsedMs,
      answerCount: this.tally.answerCount,
      answersPerSecond: elapsedMs > 0 ? (this.tally.answerCount * 1_000) / elapsedMs : 0,
      clientCpuMs: this.firstSentMs === 0 ? 0 : this.clock.cpuMs() - this.startCpuMs,
      firstSentMs: this.firstSentMs,
      steps: this.tally.results(),
    }
  }
}
