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

/** A change of the database's clock up to this much is followed at once: somebody corrects it. */
const JUMP_MS_MAX = 60_000
/** A larger one is followed when the clock has kept to it for so long. */
const HELD_MS_MAX = 600_000

/**
 * What to add to the monotonic clock to have the time by which sales begin, end and are dropped: the database's, the same for all
 * instances whatever their hosts say, but not a jump of it. A clock that is 31 days ahead for a moment would open a sale that no
 * earlier one may follow; so a jump is held back until it has lasted.
 */
export class ScheduleOffset {
  readonly #onJump: (jump: { readonly byMs: number, readonly isFollowed: boolean }) => void
  #offsetMs: number
  #jump: { readonly offsetMs: number, readonly sinceMs: number } | undefined

  /** `onJump` is told of each jump when it is held back and when it is followed. */
  constructor(offsetMs: number, onJump: (jump: { readonly byMs: number, readonly isFollowed: boolean }) => void) {
    this.#offsetMs = offsetMs
    this.#onJump = onJump
  }

  get offsetMs(): number {
    return this.#offsetMs
  }

  /** While a jump is held back nothing is dropped for its age. */
  get isHeld(): boolean {
    return this.#jump !== undefined
  }

  /** Takes the offset of the database as it is measured now; `nowMs` is on the monotonic clock. */
  follow(offsetMs: number, nowMs: number): void {
    const byMs = offsetMs - this.#offsetMs
    if (Math.abs(byMs) > JUMP_MS_MAX) {
      const isSame = this.#jump !== undefined && Math.abs(this.#jump.offsetMs - offsetMs) <= JUMP_MS_MAX
      if (!isSame) {
        this.#jump = { offsetMs, sinceMs: nowMs }
        this.#onJump({ byMs, isFollowed: false })
      }
      if (nowMs - (this.#jump?.sinceMs ?? nowMs) < HELD_MS_MAX) return
      this.#onJump({ byMs, isFollowed: true })
    }
    this.#jump = undefined
    this.#offsetMs = offsetMs
  }
}
