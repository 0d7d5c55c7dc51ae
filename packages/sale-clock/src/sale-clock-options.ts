import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import { checkPeriodMs, checkSale } from './sale-schedule.ts'
import type { Sale } from './sale-schedule.ts'
import type { Step } from './step-detector.ts'
import { systemTimers } from './timers.ts'
import type { Timers } from './timers.ts'

/** Which callback an error came from. */
export type SaleClockPhase = 'prepare' | 'open' | 'retire'

/**
 * What the clock calls. For one sale no two calls ever overlap; calls for different sales may.
 * None of them may await `stop()`, which waits for them.
 */
export interface SaleClockCallbacks {
  /**
   * Makes the sale's rows and memory exist. May be called again after it failed, and after a
   * restart for a sale that exists already: it must be idempotent, and clean up after itself when
   * it rejects. It should take less time than a period; a sale that is over when its preparation
   * ends is skipped.
   *
   * @param sale the terms that the schedule asks for
   * @param signal aborted when the clock is stopped or the sale is not wanted any more; a
   *   rejection after that is expected and not reported
   * @returns nothing, or the terms that the sale was created with earlier (same id, another
   *   end: the period has changed since); the clock then follows those
   */
  prepare(sale: Sale, signal: AbortSignal): Promise<Sale | void>
  /**
   * Makes the sale the current one, at once and without failing. Called once a sale, with
   * strictly growing ids, after `prepare`; opening one closes the one before to new reservations.
   * `current()` already answers the new sale. A thrown error is reported, and the sale counts as
   * open.
   */
  open(sale: Sale): void
  /**
   * Tries to give up a sale older than the current one: one that was open, or one that was
   * prepared and then skipped because wall time jumped over it. Never called again after true.
   *
   * @returns true when it is gone; false when it still has live reservations: asked again later
   */
  retire(sale: Sale): Promise<boolean>
  /** Hears of every failed callback; prepare and retire are called again by themselves. */
  onError(error: unknown, phase: SaleClockPhase, sale: Sale): void
  /** Hears of jumps of wall time, before the clock acts on them. */
  onStep?(step: Step): void
}

/** Options of `SaleClock`. All times are milliseconds. */
export interface SaleClockOptions extends SaleClockCallbacks {
  /** Length of a sale: whole seconds, 1 s to 30 days. */
  periodMs: number
  /**
   * How long before its start the next sale is prepared: 0 to 30 days; default 60 s or a
   * period, whichever is shorter. As long as the running sale or longer means right after that one opens.
   */
  prepareLeadMs?: number
  /** Pause between two `retire` calls for one sale: 1 to 60,000; default 1,000. */
  retirePollMs?: number
  /** Longest time between two looks at the clocks: 10 to 30,000; default 1,000. */
  stepCheckMs?: number
  /** Pause after the first failure, doubling from there: 1 to 60,000; default 100. */
  retryMinMs?: number
  /** Longest pause after a failure: `retryMinMs` to 60,000; default `retryMinMs` or 5,000. */
  retryMaxMs?: number
  /** Wall and monotonic time; default the machine's. */
  clock?: Clock
  /** Timers; default this thread's. */
  timers?: Timers
  /**
   * The newest sale that was opened before a restart, with its stored terms. While it is not over
   * it is the one that opens, even if wall time has stepped back behind its start; otherwise the
   * schedule continues from its end.
   */
  current?: Sale
  /**
   * Sales that the caller restored and still holds, with their stored terms: each is retired
   * once a newer one is open. May contain `current`.
   */
  restored?: readonly Sale[]
}

/** Options after the defaults are filled in and the bounds are checked. */
export interface SaleClockSettings {
  readonly periodMs: number
  readonly prepareLeadMs: number
  readonly retirePollMs: number
  readonly stepCheckMs: number
  readonly retryMinMs: number
  readonly retryMaxMs: number
  readonly clock: Clock
  readonly timers: Timers
  readonly current: Sale | undefined
  readonly restored: readonly Sale[]
  readonly callbacks: SaleClockCallbacks
}

/** Fills in the defaults; throws a RangeError that names the first option out of its bounds. */
export function readSettings(options: SaleClockOptions): SaleClockSettings {
  const { periodMs, current } = options
  checkPeriodMs(periodMs)
  if (current !== undefined) checkSale(current)
  const restored = [...(options.restored ?? [])]
  restored.forEach(checkSale)
  const retryMinMs = bounded('retryMinMs', options.retryMinMs ?? 100, 1, 60_000)
  const leadMs = options.prepareLeadMs ?? Math.min(60_000, periodMs)
  const retryMaxMs = options.retryMaxMs ?? Math.max(retryMinMs, 5_000)
  return {
    periodMs,
    prepareLeadMs: bounded('prepareLeadMs', leadMs, 0, 30 * 86_400_000),
    retirePollMs: bounded('retirePollMs', options.retirePollMs ?? 1_000, 1, 60_000),
    stepCheckMs: bounded('stepCheckMs', options.stepCheckMs ?? 1_000, 10, 30_000),
    retryMinMs,
    retryMaxMs: bounded('retryMaxMs', retryMaxMs, retryMinMs, 60_000),
    clock: options.clock ?? systemClock,
    timers: options.timers ?? systemTimers,
    current,
    restored,
    callbacks: options,
  }
}

function bounded(name: string, value: number, min: number, max: number): number {
  // Written so that NaN is refused as well.
  if (!(value >= min && value <= max)) {
    throw new RangeError(`${name} must be from ${min} to ${max} ms, not ${value}`)
  }
  return value
}
