import { systemTime, type SaleTime } from 'megacache'
import { readFileSync } from 'node:fs'

/** Where real time comes from; the machine's clocks by default. */
export interface TimeSources {
  /** Milliseconds that never go back and stand still while the machine is suspended. */
  monotonicMs(): number
  /** Unix milliseconds; may step. */
  wallMs(): number
  /** Milliseconds since the machine started, suspended time included; undefined where that is not known. */
  bootMs(): number | undefined
}

/**
 * Wall time that moved against the monotonic clock by more than this is looked into. The contract asks for 500 (spec section 4), but a
 * suspension may come with a step, or after one that this thread has not seen, and then only their sum shows. Daily slewing
 * reaches it twice a minute, which costs a file read each.
 */
const MOVED_MS = 20
/** A reading that took longer was interrupted, and is taken again, so often at most. */
const READING_MS_MAX = 2
const READINGS_MAX = 5

/**
 * The clock on which reservations expire: monotonic, shared by all threads, and, unlike the machine's monotonic clock,
 * running on while the machine is suspended. A reservation must not outlive its `expiresAt` because the
 * lid was closed, nor end early because somebody set the clock.
 *
 * Each reading compares wall time with monotonic time, which costs one more clock. When the two have moved against each other, either
 * wall time was set, which means nothing here, or the machine was suspended, which the time since boot tells.
 */
export class SteadyTime implements SaleTime {
  readonly #sources: TimeSources
  #wallLeadMs: number
  #suspendedMs: number

  constructor(sources: TimeSources = machine) {
    this.#sources = sources
    this.#wallLeadMs = sources.wallMs() - sources.monotonicMs()
    this.#suspendedMs = this.#readSuspendedMs()
  }

  monotonicMs(): number {
    const monotonicMs = this.#sources.monotonicMs()
    const wallLeadMs = this.#sources.wallMs() - monotonicMs
    if (Math.abs(wallLeadMs - this.#wallLeadMs) > MOVED_MS) {
      this.#wallLeadMs = wallLeadMs
      this.#suspendedMs = Math.max(this.#suspendedMs, this.#readSuspendedMs())
    }
    return monotonicMs + this.#suspendedMs
  }

  wallMs(): number {
    return this.#sources.wallMs()
  }

  /**
   * How long the machine has been suspended since it started, in whole hundredths of a second, which is what the
   * system tells: the same in all threads, whenever they ask.
   */
  #readSuspendedMs(): number {
    let suspendedMs = 0
    for (let reading = 0; reading < READINGS_MAX; reading++) {
      const startedMs = this.#sources.monotonicMs()
      const bootMs = this.#sources.bootMs()
      if (bootMs === undefined) return 0
      const endedMs = this.#sources.monotonicMs()
      // Never more than it was, however long the reading took.
      suspendedMs = Math.max(suspendedMs, bootMs - endedMs)
      if (endedMs - startedMs <= READING_MS_MAX) break
    }
    return suspendedMs < MOVED_MS ? 0 : Math.round(suspendedMs / 10) * 10
  }
}

const machine: TimeSources = {
  monotonicMs: () => systemTime.monotonicMs(),
  wallMs: () => Date.now(),
  bootMs: () => {
    try {
      // Linux: the first number is CLOCK_BOOTTIME in seconds.
      return Number.parseFloat(readFileSync('/proc/uptime', 'latin1')) * 1000
    } catch {
      return undefined
    }
  },
}
