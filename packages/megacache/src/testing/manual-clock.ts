import type { SaleTime } from '../sale-time.ts'

/**
 * A clock that moves only when told to: give it as `clock` to `Megacache.create`. Works on one thread; threads
 * do not share it.
 *
 * ```ts
 * const clock = new ManualClock()
 * const sale = Megacache.create({ items: 1, userLimit: 1, reservationTtlMs: 60_000, clock })
 * sale.checkout(1, 0)
 * clock.advance(60_000)   // the reservation has expired, at exactly this millisecond
 * ```
 */
export class ManualClock implements SaleTime {
  #monotonicMs: number
  #wallMs: number

  /** Starts at one second of monotonic time and at the beginning of 2026, if not told otherwise. */
  constructor(start: { readonly monotonicMs?: number; readonly wallMs?: number } = {}) {
    this.#monotonicMs = start.monotonicMs ?? 1000
    this.#wallMs = start.wallMs ?? Date.UTC(2026, 0, 1)
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  wallMs(): number {
    return this.#wallMs
  }

  /** Time passes, on both clocks. Throws a RangeError for a negative time: monotonic time does not go back. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`cannot advance by ${ms} ms`)
    this.#monotonicMs += ms
    this.#wallMs += ms
  }

  /** Somebody sets the wall clock, forwards or backwards; no time passes. */
  stepWall(ms: number): void {
    this.#wallMs += ms
  }
}
