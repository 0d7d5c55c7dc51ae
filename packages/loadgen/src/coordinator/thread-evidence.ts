import type { MeterSnapshot } from '../engine/snapshot.ts'
import { LatencyHistogram } from '../latency-histogram.ts'
import type { GeneratorThread } from '../run-result.ts'

/** A second in which a thread used this share of a core has left it no time to spare. */
const BUSY_SHARE = 0.95
/** Shorter snapshots say nothing about a second. */
const SECOND_MIN_MS = 500

/** What one thread of the generator had to work with, over the measured part. */
export class ThreadEvidence {
  private readonly machine: string
  private readonly threadIndex: number
  private readonly loopLag = new LatencyHistogram()
  private readonly arrivalLag = new LatencyHistogram()
  private elapsedMs = 0
  private activeMs = 0
  private cpuMs: number | undefined = 0
  private starvedMs: number | undefined = 0
  private busySecondCount = 0
  private secondCount = 0

  constructor(machine: string, threadIndex: number) {
    this.machine = machine
    this.threadIndex = threadIndex
  }

  add(meter: MeterSnapshot): void {
    const { elapsedMs, activeMs, cpuMs, starvedMs } = meter
    this.elapsedMs += elapsedMs
    this.activeMs += activeMs
    this.cpuMs = sumOf(this.cpuMs, cpuMs)
    this.starvedMs = sumOf(this.starvedMs, starvedMs)
    this.loopLag.addSparse(meter.loopLag)
    this.arrivalLag.addSparse(meter.arrivalLag)
    if (elapsedMs < SECOND_MIN_MS) return
    this.secondCount++
    if ((cpuMs ?? activeMs) >= BUSY_SHARE * elapsedMs) this.busySecondCount++
  }

  result(): GeneratorThread {
    const elapsedMs = Math.max(this.elapsedMs, Number.MIN_VALUE)
    return {
      machine: this.machine,
      threadIndex: this.threadIndex,
      elapsedMs: this.elapsedMs,
      cpuMs: this.cpuMs,
      loopUtilization: Math.min(1, this.activeMs / elapsedMs),
      starvedShare: this.starvedMs === undefined ? undefined : this.starvedMs / elapsedMs,
      loopLagMs: this.loopLag.summary(),
      arrivalLagMs: this.arrivalLag.summary(),
      busySecondCount: this.busySecondCount,
      secondCount: this.secondCount,
    }
  }
}

function sumOf(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b
}
