import type { Connection } from './client-config.ts'
import type { MonotonicClock } from './clock.ts'
import type { ClockOffset } from './measure-clock.ts'
import type { PersistenceError } from './persistence-error.ts'
import type { Timers } from './timers.ts'

/** Who has the lease while we wait for it. */
export interface LeaseHolder {
  readonly epoch: number
  /** Undefined when the last holder has let go. */
  readonly instanceId: string | undefined
  /** How long we have seen it not renew, by our clock: one that is set means nothing here. */
  readonly silentMs: number
}

export interface LeaseOptions {
  readonly connection: Connection
  /** Names this instance in the lease row and pg_stat_activity; 1 to 32 characters of [A-Za-z0-9_.:-]. */
  readonly instanceId: string
  /** Told once when another instance has become the active one: fail-stop. */
  readonly onLost: (error: PersistenceError) => void
  /** Told at each look while another instance has the lease. */
  readonly onWaiting?: (holder: LeaseHolder) => void
  /** Told at each renewal how the clocks stand, and the new `provenUntilMs`. */
  readonly onRenewed?: (offset: ClockOffset, provenUntilMs: number) => void
  /**
   * Told when the database, or a pooler in between, begins to be one that may forget what it has committed, in words, and when that is over. While
   * it is, a lease whose connection requires durability is not renewed as proof: nothing may be acknowledged.
   */
  readonly onDurability?: (problem: string | undefined) => void
  /**
   * Told when the session is lost, and with it the lock, at this time of the clock: another instance may be active from now on,
   * until `onRenewed` tells otherwise. Nothing of the sale may be read out meanwhile; what was committed is true.
   */
  readonly onDisconnected?: (atMs: number) => void
  /**
   * Gives up after this time with `lease_unavailable`; a look under way may take a second more, and 0
   * looks once. Default: waits for ever.
   */
  readonly withinMs?: number
  /** Ends the waiting with `lease_unavailable`. */
  readonly signal?: AbortSignal
  /** Default 1,000 ms. */
  readonly renewEveryMs?: number
  /** A holder that has not renewed for so long has its sessions ended. Default 5,000 ms. */
  readonly staleAfterMs?: number
  /** Default 50 ms. */
  readonly pollMs?: number
  readonly clock?: MonotonicClock
  readonly timers?: Timers
}
