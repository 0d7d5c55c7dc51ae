import type { MonotonicClock } from './clock.ts'
import type { Session } from './session.ts'

export const END_TAGGED = 'select megacache_end_tagged_sessions()'

/**
 * What was last read is compared again under the lock of the row: a renewal that has committed since is seen, one that comes later waits
 * for the row and ends with its session. A renewal under way has the row, and then nobody's sessions are ended.
 */
const END_SILENT = `
  with silent as materialized (
    select from lease where id = 1 and renewed_at is not distinct from $1::timestamptz for update skip locked
  )
  select megacache_end_tagged_sessions() from silent`

/**
 * A holder that is paused or cut off keeps its lock as long as its session lives: whose silence has lasted too long has its
 * sessions ended. Silence is counted by our own clock, from when we have first read the last renewal: a step of the database's
 * clock makes nobody silent, and we have read it after it was written, so we count less than has passed, never more.
 */
export class LeaseSilence {
  readonly #clock: MonotonicClock
  readonly #staleAfterMs: number
  #renewal: { readonly epoch: number, readonly renewedAt: string | null, readonly readMs: number } | undefined
  /** Since when each look has found a renewal under way. */
  #renewingSinceMs: number | undefined

  constructor(clock: MonotonicClock, staleAfterMs: number) {
    this.#clock = clock
    this.#staleAfterMs = staleAfterMs
  }

  /** Takes what the lease row said just now; returns for how long it has said so. */
  look(epoch: number, renewedAt: string | null): number {
    const nowMs = this.#clock.nowMs()
    if (this.#renewal?.epoch !== epoch || this.#renewal.renewedAt !== renewedAt) this.#renewal = { epoch, renewedAt, readMs: nowMs }
    return nowMs - this.#renewal.readMs
  }

  /** Ends the sessions of a holder that has been silent for too long. */
  async end(session: Session): Promise<void> {
    const nowMs = this.#clock.nowMs()
    const isSilent = this.#renewal !== undefined && nowMs - this.#renewal.readMs >= this.#staleAfterMs
    const isEnded = isSilent && (await session.query('megacache_end_silent', END_SILENT, [this.#renewal?.renewedAt ?? null])).length > 0
    if (!isSilent || isEnded) {
      this.#renewingSinceMs = undefined
      return
    }
    this.#renewingSinceMs ??= nowMs
    // One renewal has had the row all the time, or it would have been seen. What it can prove is over as well.
    if (nowMs - this.#renewingSinceMs >= this.#staleAfterMs) await session.query('megacache_end_tagged', END_TAGGED)
  }
}
