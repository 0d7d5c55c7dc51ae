import type { ClockOffset } from '@megacache/persistence'

/** How fast two clocks may drift apart: far more than the 500 ppm that operating systems correct at most. */
const DRIFT_MS_PER_MS = 0.001
/**
 * What our own clock may be off by after a suspension, which the system tells in hundredths of a second. Less than this between two
 * measurements is no sign that the database's clock was set.
 */
const SUSPENSION_ERROR_MS = 20

/**
 * What to add to the monotonic clock to have the database's time, from measurements of very different worth: an
 * exchange that took two seconds, because the database was frozen or the network stood still, knows it to
 * a second only, and would move the `expiresAt` of every reservation by that much.
 *
 * A measurement is taken when it is no worse than what the last one is worth by now, or when the two contradict each
 * other: then the database's clock was set.
 */
export class DatabaseOffset {
  #offsetMs: number
  #errorMs: number
  #atMs: number

  /** `nowMs` is on the monotonic clock. */
  constructor({ offsetMs, roundTripMs }: ClockOffset, nowMs: number) {
    this.#offsetMs = offsetMs
    this.#errorMs = roundTripMs / 2
    this.#atMs = nowMs
  }

  get offsetMs(): number {
    return this.#offsetMs
  }

  /** Whether the measurement was taken. */
  offer({ offsetMs, roundTripMs }: ClockOffset, nowMs: number): boolean {
    const errorMs = roundTripMs / 2
    const agedErrorMs = this.#errorMs + (nowMs - this.#atMs) * DRIFT_MS_PER_MS
    const isContradiction = Math.abs(offsetMs - this.#offsetMs) > errorMs + agedErrorMs + SUSPENSION_ERROR_MS
    if (errorMs > agedErrorMs && !isContradiction) return false
    this.#offsetMs = offsetMs
    this.#errorMs = errorMs
    this.#atMs = nowMs
    return true
  }
}
