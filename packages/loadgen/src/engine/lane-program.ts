import { Exchange, type ExchangeOwner, RUN_ENDED } from './exchange.ts'
import type { LoadPort, Program, ProgramEnd } from './program.ts'

/** What a lane scenario says when asked for the next request: it has filled in the exchange. */
export const SEND = 0
/** The iteration of this lane is over; the next may begin. */
export const DONE = -1
/** The lane has nothing more to do for the rest of the run. */
export const FINISHED = -2

/**
 * A scenario as a state machine a lane: fast, since nothing is allocated, and all lanes share what
 * they know. It must neither block nor throw. `defineScenario` is the comfortable way.
 */
export interface LaneScenario {
  readonly steps: readonly string[]
  /** Set once when there is nothing more to do for any lane. */
  readonly ended: ProgramEnd | undefined
  /**
   * Fills in `step` and `path` of the lane's exchange and returns {@link SEND}; or returns
   * milliseconds to wait, {@link DONE} or {@link FINISHED}.
   */
  next(exchange: Exchange, nowMs: number): number
  /** Learns how the request ended. */
  answered(exchange: Exchange): void
  counters(): Record<string, number>
}

/** Runs a {@link LaneScenario}: each iteration takes an idle lane and asks it what to do. */
export class LaneProgram implements Program, ExchangeOwner {
  readonly steps: readonly string[]
  private readonly scenario: LaneScenario
  private readonly exchanges: readonly Exchange[]
  private readonly idle: number[] = []
  private port!: LoadPort

  constructor(
    scenario: LaneScenario,
    laneCount: number,
    expectedStatuses?: ReadonlySet<number>,
  ) {
    this.scenario = scenario
    this.steps = scenario.steps
    this.exchanges = Array.from({ length: laneCount }, (_, lane) => new Exchange(this, lane))
    for (const exchange of this.exchanges) {
      exchange.expectedStatuses = expectedStatuses
      this.idle.unshift(exchange.index)
    }
  }

  get ended(): ProgramEnd | undefined {
    return this.scenario.ended
  }

  attach(port: LoadPort): void {
    this.port = port
  }

  canBegin(): boolean {
    return this.idle.length > 0 && this.scenario.ended === undefined
  }

  begin(dueAtMs: number): void {
    const lane = this.idle.pop()
    if (lane === undefined) throw new Error('no lane is idle')
    const exchange = this.exchanges[lane] as Exchange
    exchange.dueAtMs = dueAtMs
    this.advance(exchange)
  }

  exchangeEnded(exchange: Exchange): void {
    if (exchange.reason === RUN_ENDED) return
    this.scenario.answered(exchange)
    // Also when the time is over: what was answered is complete, and nothing more is sent.
    this.advance(exchange)
  }

  counters(): Record<string, number> {
    return this.scenario.counters()
  }

  private advance(exchange: Exchange): void {
    const { port } = this
    const next = this.scenario.next(exchange, port.clock.monotonicMs())
    if (next === SEND) return port.send(exchange)
    if (next === FINISHED) return port.iterationDone()
    if (next === DONE) {
      this.idle.push(exchange.index)
      return port.iterationDone()
    }
    // What a lane does after a pause is due then.
    exchange.dueAtMs = 0
    port.later(next, () => this.advance(exchange))
  }
}
