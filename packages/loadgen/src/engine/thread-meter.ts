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
}

/** The real one; `threadCpuUsage` came with Node 23.9. */
export const systemThreadCpu: ThreadCpu = {
  cpuMs: () => {
    if (typeof process.threadCpuUsage !== 'function') return undefined
    const used = process.threadCpuUsage()
    return (used.user + used.system) / 1_000
  },
  activeMs: () => performance.eventLoopUtilization().active,
}

/** Measures what this thread had to work with: its CPU, and how late its event loop was. */
export class ThreadMeter {
  /** How late arrivals were taken up; the engine records into it. */
  readonly arrivalLag: LatencyHistogram = new LatencyHistogram()
  private readonly loopLag = new LatencyHistogram()
  private readonly clock: LoadClock
  private readonly cpu: ThreadCpu
  private cancelTimer: (() => void) | undefined
  private expectedAtMs = 0
  private sinceMs = 0
  private cpuSinceMs: number | undefined
  private activeSinceMs = 0

  constructor(clock: LoadClock, cpu: ThreadCpu = systemThreadCpu) {
    this.clock = clock
    this.cpu = cpu
  }

  start(): void {
    this.begin(this.clock.monotonicMs())
    this.arm()
  }

  /** What was measured since the last call; begins anew. */
  take(): MeterSnapshot {
    const nowMs = this.clock.monotonicMs()
    const cpuMs = this.cpu.cpuMs()
    const { cpuSinceMs } = this
    const taken = {
      elapsedMs: nowMs - this.sinceMs,
      cpuMs: cpuMs === undefined || cpuSinceMs === undefined ? undefined : cpuMs - cpuSinceMs,
      activeMs: this.cpu.activeMs() - this.activeSinceMs,
      loopLag: this.loopLag.takeSparse(),
      arrivalLag: this.arrivalLag.takeSparse(),
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
  }

  private arm(): void {
    this.expectedAtMs = this.clock.monotonicMs() + LAG_PERIOD_MS
    this.cancelTimer = this.clock.setTimer(LAG_PERIOD_MS, () => {
      this.loopLag.record(this.clock.monotonicMs() - this.expectedAtMs)
      this.arm()
    })
  }
}
