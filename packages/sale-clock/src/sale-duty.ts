import { checkSale } from './sale-schedule.ts'
import type { Sale } from './sale-schedule.ts'

/**
 * What the clock owes to one sale, and how far it has come:
 *
 *     planned --prepare--> prepared --open--> open
 *      |   ^ |                 |               |
 *      |   +-+ failed          +-------+-------+   a newer sale is open
 *      v                               v
 *     forgotten: not wanted,         retire, asked until it answers true: forgotten
 *     nothing was made
 *
 * Only the stages up to open are kept here; "older than the open sale" is for the clock to know.
 */
export class SaleDuty {
  /** The terms: those of the schedule, until `prepare` returned others. */
  sale: Sale
  stage: 'planned' | 'prepared' | 'open' = 'planned'
  /** Whether the caller holds something of this sale, so that it must be retired one day. */
  isHeld: boolean
  /** The call in flight; while there is one no other call is made for this sale. */
  calling: AbortController | undefined
  /** No call before this monotonic instant. */
  callAtMs = 0
  /** Whether its start has been seen to pass. */
  #isDue = false
  #failures = 0

  constructor(sale: Sale, isHeld: boolean) {
    this.sale = sale
    this.isHeld = isHeld
  }

  /** Whether `prepare` has been answered or has failed, as far as is still known. */
  get isTried(): boolean {
    return this.stage !== 'planned' || this.#failures > 0
  }

  /** Whether a call may start at this monotonic instant. */
  canCall(monotonicMs: number): boolean {
    return this.calling === undefined && monotonicMs >= this.callAtMs
  }

  /**
   * Its start has passed: whatever back-off has built up so far is forgotten, because from now
   * on buyers wait. Only the first call has an effect.
   */
  becomeDue(): void {
    if (this.#isDue) return
    this.#isDue = true
    this.#failures = 0
    this.callAtMs = 0
  }

  /** `prepare` succeeded; throws a RangeError when the terms it returned are not this sale's. */
  becomePrepared(stored: Sale | void): void {
    if (stored !== undefined) {
      checkSale(stored)
      if (stored.saleId !== this.sale.saleId) {
        throw new RangeError(`prepare of ${this.sale.saleId} returned sale ${stored.saleId}`)
      }
      const { saleId, startsAtMs, endsAtMs } = stored
      this.sale = Object.freeze({ saleId, startsAtMs, endsAtMs })
    }
    this.stage = 'prepared'
    this.isHeld = true
    this.callAgainAt(0)
  }

  /** The last call was answered; the next one comes at this monotonic instant. */
  callAgainAt(monotonicMs: number): void {
    this.#failures = 0
    this.callAtMs = monotonicMs
  }

  /** The last call failed: doubles the pause, from `minMs` up to `maxMs`. */
  backOff(monotonicMs: number, minMs: number, maxMs: number): void {
    this.callAtMs = monotonicMs + Math.min(maxMs, minMs * 2 ** this.#failures)
    this.#failures += 1
  }
}
