import type { MonotonicClock } from './clock.ts'
import type { LeaseHolder } from './lease-options.ts'
import type { Session } from './session.ts'

export const END_TAGGED = 'select megacache_end_tagged_sessions()'

/**
 * The silence is looked at again under the lock of the row: a renewal that has committed since is seen, one that comes later waits
 * for the row and ends with its session. A renewal under way has the row, and then nobody's sessions are ended.
 */
const END_SILENT = `
  with silent as materialized (
    select from lease where id = 1 and clock_timestamp() - renewed_at >= make_interval(secs => $1::float8 / 1000)
    for update skip locked
  )
  select megacache_end_tagged_sessions() from silent`

/**
 * A holder that is paused or cut off keeps its lock as long as its session lives: whose silence has lasted too long has its
 * sessions ended.
 */
export class LeaseSilence {
  readonly #clock: MonotonicClock
  readonly #staleAfterMs: number
  /** Since when each look has found a renewal under way. */
  #renewingSinceMs: number | undefined

  constructor(clock: MonotonicClock, staleAfterMs: number) {
    this.#clock = clock
    this.#staleAfterMs = staleAfterMs
  }

  async end(session: Session, { silentMs }: LeaseHolder): Promise<void> {
    const isSilent = silentMs >= this.#staleAfterMs
    const isEnded = isSilent && (await session.query('megacache_end_silent', END_SILENT, [String(this.#staleAfterMs)])).length > 0
    if (!isSilent || isEnded) {
      this.#renewingSinceMs = undefined
      return
    }
    const nowMs = this.#clock.nowMs()
    this.#renewingSinceMs ??= nowMs
    // One renewal has had the row all the time, or the silence would have ended. What it can prove is over as well.
    if (nowMs - this.#renewingSinceMs >= this.#staleAfterMs) await session.query('megacache_end_tagged', END_TAGGED)
  }
}
