import type { LoadClock } from '../load-clock.ts'
import type { ArrivalQueue } from './arrival-queue.ts'
import type { Timers } from './timers.ts'

/**
 * A timer of Node is due at a whole millisecond and up to one late, so what is due sooner than this is waited for turn
 * by turn of the event loop, which still serves every answer between. In milliseconds.
 */
const TURNING_MS = 1

/** A turn that took less than this did nothing; one that served a request takes longer. In milliseconds. */
const EMPTY_TURN_MS = 0.03

/** Whom the pacer tells. */
export interface PacerPorts {
  /** Takes up whatever is due by now. */
  takeUp(nowMs: number): void
  /** A turn of this length did nothing. */
  spun(lengthMs: number): void
  /** Nothing more is due. */
  over(): void
}

/** Takes up each arrival of an open loop within microseconds of its due time, when the thread is free for it. */
export class ArrivalPacer {
  private readonly clock: LoadClock
  private readonly timers: Timers
  private readonly arrivals: Pick<ArrivalQueue, 'nextDueAtMs'>
  private readonly ports: PacerPorts
  private turnedAtMs = 0

  constructor(
    clock: LoadClock,
    timers: Timers,
    arrivals: Pick<ArrivalQueue, 'nextDueAtMs'>,
    ports: PacerPorts,
  ) {
    this.clock = clock
    this.timers = timers
    this.arrivals = arrivals
    this.ports = ports
  }

  /** Takes up what is due, and waits for the next. */
  arm(): void {
    const takenUpAtMs = this.clock.monotonicMs()
    this.ports.takeUp(takenUpAtMs)
    // Nobody takes it up any more: the run is ending.
    if (this.arrivals.nextDueAtMs <= takenUpAtMs) return
    const nowMs = this.clock.monotonicMs()
    const waitMs = this.arrivals.nextDueAtMs - nowMs
    if (waitMs === Number.POSITIVE_INFINITY) return this.ports.over()
    if (waitMs > TURNING_MS) return this.timers.after(waitMs - TURNING_MS, this.again)
    this.turnedAtMs = nowMs
    this.timers.soon(this.turned)
  }

  private readonly again = (): void => this.arm()

  private readonly turned = (): void => {
    const tookMs = this.clock.monotonicMs() - this.turnedAtMs
    if (tookMs < EMPTY_TURN_MS) this.ports.spun(tookMs)
    this.arm()
  }
}
