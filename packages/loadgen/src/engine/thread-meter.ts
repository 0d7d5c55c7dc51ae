import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { LatencyHistogram } from '../latency-histogram.ts'
import type { LoadClock } from '../load-clock.ts'
import type { MeterSnapshot } from './snapshot.ts'

/** How often the event loop's lateness is looked at, in milliseconds. */
const LAG_PERIOD_MS = 10

/** Where a thread's own CPU time comes from. */
export interface ThreadCpu {
  /** CPU time of this thread so far, in milliseconds; undefined where Node cannot tell. */
  cpuMs(): number | undefined
  /** Time in which the event loop of this thread was not idle so far, in milliseconds. */
  activeMs(): number
  /**
   * Time in which this thread could have run but had no CPU so far, in milliseconds; undefined where
   * the system does not tell.
   */
  starvedMs(): number | undefined
}

/** The real one; `threadCpuUsage` came with Node 23.9. */
export const systemThreadCpu: ThreadCpu = {
  cpuMs: () => {
    if (typeof process.threadCpuUsage !== 'function') return undefined
    const used = process.threadCpuUsage()
    return (used.user + used.system) / 1_000
  },
  activeMs: () => performance.eventLoopUtilization().active,
  starvedMs: () => {
    try {
      // Linux: nanoseconds on the CPU, nanoseconds waiting for one, and turns, of the thread that
      // reads it (Documentation/scheduler/sched-stats). The event loop's own idle time is of no use:
      // a thread that was woken and waits for its turn is still idle by it.
      const [, waitedNs] = readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')
      return Number(waitedNs) / 1e6
    } catch {
      return undefined
    }
  },
}

/** Measures what this thread had to work with: its CPU, and how late its event loop was. */
export class ThreadMeter {
  private readonly arrivalLag = new LatencyHistogram()
  private readonly loopLag = new LatencyHistogram()
  private readonly dueGaps = new LatencyHistogram()
  private readonly takenGaps = new LatencyHistogram()
  private lastDueAtMs = Number.NaN
  private lastTakenAtMs = Number.NaN
  private spunMs = 0
  private readonly clock: LoadClock
  private readonly cpu: ThreadCpu
  private cancelTimer: (() => void) | undefined
  private lagDueAtMs = 0
  private sinceMs = 0
  private cpuSinceMs: number | undefined
  private activeSinceMs = 0
  private starvedSinceMs: number | undefined

  constructor(clock: LoadClock, cpu: ThreadCpu = systemThreadCpu) {
    this.clock = clock
    this.cpu = cpu
  }

  start(): void {
    this.begin(this.clock.monotonicMs())
    this.lagDueAtMs = this.sinceMs + LAG_PERIOD_MS
    this.arm()
  }

  /** An arrival was taken up so long after it was due. */
  takenUp(dueAtMs: number, nowMs: number): void {
    this.arrivalLag.record(nowMs - dueAtMs)
    if (dueAtMs >= this.lastDueAtMs) {
      this.dueGaps.record(dueAtMs - this.lastDueAtMs)
      this.takenGaps.record(nowMs - this.lastTakenAtMs)
    }
    this.lastDueAtMs = dueAtMs
    this.lastTakenAtMs = nowMs
  }

  /** A turn of the event loop did nothing but wait for the next arrival: time to spare, not load. */
  spun(lengthMs: number): void {
    this.spunMs += lengthMs
  }

  /** What was measured since the last call; begins anew. */
  take(): MeterSnapshot {
    const nowMs = this.clock.monotonicMs()
    const { spunMs } = this
    this.spunMs = 0
    const cpuMs = difference(this.cpu.cpuMs(), this.cpuSinceMs)
    const taken = {
      elapsedMs: nowMs - this.sinceMs,
      cpuMs: cpuMs === undefined ? undefined : Math.max(0, cpuMs - spunMs),
      spunMs,
      starvedMs: difference(this.cpu.starvedMs(), this.starvedSinceMs),
      activeMs: Math.max(0, this.cpu.activeMs() - this.activeSinceMs - spunMs),
      loopLag: this.loopLag.takeSparse(),
      arrivalLag: this.arrivalLag.takeSparse(),
      dueGaps: this.dueGaps.takeSparse(),
      takenGaps: this.takenGaps.takeSparse(),
    }
    this.begin(nowMs)
    return taken
  }

  stop(): void {
    this.cancelTimer?.()
    this.cancelTimer = undefined
  }

  private begin(nowMs: number): void {
    this.sinceMs = nowMs
    this.cpuSinceMs = this.cpu.cpuMs()
    this.activeSinceMs = this.cpu.activeMs()
    this.starvedSinceMs = this.cpu.starvedMs()
  }

  private arm(): void {
    const waitMs = Math.max(0, this.lagDueAtMs - this.clock.monotonicMs())
    this.cancelTimer = this.clock.setTimer(waitMs, () => {
      const nowMs = this.clock.monotonicMs()
      // Every look that was due in a stall has seen it: with one for each, a second would count as 10 ms.
      for (; this.lagDueAtMs <= nowMs; this.lagDueAtMs += LAG_PERIOD_MS) this.loopLag.record(nowMs - this.lagDueAtMs)
      this.arm()
    })
  }
}

function difference(now: number | undefined, before: number | undefined): number | undefined {
  return now === undefined || before === undefined ? undefined : now - before
}
