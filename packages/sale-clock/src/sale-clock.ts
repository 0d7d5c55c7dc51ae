import { SaleClockError } from './sale-clock-error.ts'
import { readSettings } from './sale-clock-options.ts'
import type {
  SaleClockOptions,
  SaleClockPhase,
  SaleClockSettings,
} from './sale-clock-options.ts'
import { SaleDuty } from './sale-duty.ts'
import { nextSale, saleAt, saleCovering } from './sale-schedule.ts'
import type { Sale } from './sale-schedule.ts'
import { StepDetector } from './step-detector.ts'

/**
 * Runs one sale after the other: prepares each well ahead, opens it on time, and retires the
 * older ones when they let go. See the README for what it promises.
 *
 * All of it is one function, `#wake`, that looks at the clocks, compares what should be with what
 * is, starts what is missing and sets one timer for the next look. It is called by that timer and
 * by every callback that settles; being called too early, too late or too often changes nothing.
 *
 * Use an instance on one thread only, normally one instance a process.
 */
export class SaleClock {
  readonly #settings: SaleClockSettings
  readonly #steps: StepDetector
  /** By sale id: every sale that is wanted or that the caller holds something of. */
  readonly #duties = new Map<number, SaleDuty>()
  /** Settled by the first look at which no preparation is overdue, or by `stop()`. */
  readonly #started = Promise.withResolvers<Sale>()
  /** The newest sale seen: the stored one until the first opening, then the open one. */
  #newest: Sale | undefined
  #isOpen = false
  #isStarted = false
  #callsInFlight = 0
  #timer: { readonly handle: unknown } | undefined
  #stopped: PromiseWithResolvers<void> | undefined

  /** @throws RangeError that names the option out of its bounds. Nothing runs before `start()`. */
  constructor(options: SaleClockOptions) {
    this.#settings = readSettings(options)
    this.#newest = this.#settings.current
    for (const sale of this.#settings.restored) {
      this.#duties.set(sale.saleId, new SaleDuty(sale, true))
    }
    this.#steps = new StepDetector(this.#settings.clock)
  }

  /**
   * Prepares and opens the sale that covers now, and goes on from there until `stop()`. Failing
   * preparations are reported and repeated without end. A start within `prepareLeadMs` of the
   * sale's end waits for the first try to prepare the next one as well: whoever serves from then
   * on is not left without a sale a moment later.
   *
   * @returns the sale that is open then
   * @throws SaleClockError (rejects) `ERR_SALE_CLOCK_STOPPED`, `ERR_SALE_CLOCK_STARTED`
   */
  async start(): Promise<Sale> {
    if (this.#stopped !== undefined) throw new SaleClockError('ERR_SALE_CLOCK_STOPPED')
    if (this.#isStarted) throw new SaleClockError('ERR_SALE_CLOCK_STARTED')
    this.#isStarted = true
    this.#wake()
    return this.#started.promise
  }

  /**
   * The sale opened last. It stays the answer after its end until the next one is open, and after
   * `stop()`: whether it still takes reservations is for the caller to read from `endsAtMs`.
   *
   * @throws SaleClockError `ERR_SALE_CLOCK_NOT_OPEN` before the first one is open
   */
  current(): Sale {
    if (!this.#isOpen || this.#newest === undefined) {
      throw new SaleClockError('ERR_SALE_CLOCK_NOT_OPEN')
    }
    return this.#newest
  }

  /**
   * The sale that follows the current one, whether it is prepared yet or not. Its end may still
   * change when `prepare` finds it stored with other terms.
   *
   * @returns undefined before the first opening and after `stop()`
   */
  next(): Sale | undefined {
    if (this.#stopped !== undefined || !this.#isOpen) return undefined
    return this.#newest && this.#following(this.#newest)
  }

  /** Whether the next sale is prepared and only waits for its start. */
  isNextPrepared(): boolean {
    const next = this.next()
    return next !== undefined && this.#duties.get(next.saleId)?.stage === 'prepared'
  }

  /**
   * Cancels the timer, aborts the signals of preparations in flight, and waits for the callbacks
   * that are running: when it resolves nothing is pending and nothing will be called any more.
   * The open sale stays as it is. May be called at any time and any number of times.
   */
  stop(): Promise<void> {
    if (this.#stopped !== undefined) return this.#stopped.promise
    this.#stopped = Promise.withResolvers<void>()
    this.#disarm()
    for (const duty of this.#duties.values()) duty.calling?.abort()
    if (this.#isStarted) this.#started.reject(new SaleClockError('ERR_SALE_CLOCK_STOPPED'))
    if (this.#callsInFlight === 0) this.#stopped.resolve()
    return this.#stopped.promise
  }

  /** Brings the world in line with the clocks. Any callback may call `stop()`. */
  #wake(): void {
    if (this.#stopped !== undefined) return
    this.#disarm()
    this.#reportStep()
    if (this.#stopped !== undefined) return
    const wallMs = this.#settings.clock.wallMs()
    const monotonicMs = this.#settings.clock.monotonicMs()

    const due = this.#dueSale(wallMs)
    this.#openOrPrepare(due, monotonicMs)
    const isDueOpen = this.#isOpen && this.#newest?.saleId === due.saleId
    const next = isDueOpen ? this.next() : undefined
    const prepareNextAtMs = due.endsAtMs - this.#settings.prepareLeadMs
    const isNextWanted = wallMs >= prepareNextAtMs
    if (next !== undefined && isNextWanted) this.#prepare(next, monotonicMs)
    if (isDueOpen && (!isNextWanted || this.#isTried(next))) this.#started.resolve(due)
    this.#forgetUnwanted(due, next)
    this.#retireOlder(monotonicMs)

    if (this.#stopped !== undefined) return
    const waitsMs = [this.#settings.stepCheckMs, due.endsAtMs - wallMs]
    if (!isNextWanted) waitsMs.push(prepareNextAtMs - wallMs)
    for (const duty of this.#duties.values()) {
      if (duty.calling === undefined && duty.callAtMs > monotonicMs) {
        waitsMs.push(duty.callAtMs - monotonicMs)
      }
    }
    this.#arm(monotonicMs + Math.min(...waitsMs))
  }

  /** The sale that should be open at this instant: the newest one seen, or one after its end. */
  #dueSale(wallMs: number): Sale {
    const { periodMs } = this.#settings
    let sale = this.#terms(this.#newest ?? saleAt(wallMs, periodMs))
    // Each turn moves to a later sale, and only one with stored terms can be over: it ends.
    while (wallMs >= sale.endsAtMs) {
      sale = this.#terms(saleCovering(this.#following(sale), wallMs, periodMs))
    }
    return sale
  }

  #following(sale: Sale): Sale {
    return this.#terms(nextSale(sale, this.#settings.periodMs))
  }

  /** The stored terms of a sale where they are known, else those of the schedule. */
  #terms(sale: Sale): Sale {
    return this.#duties.get(sale.saleId)?.sale ?? sale
  }

  #openOrPrepare(due: Sale, monotonicMs: number): void {
    if (this.#isOpen && this.#newest?.saleId === due.saleId) return
    const duty = this.#dutyFor(due)
    duty.becomeDue()
    if (duty.stage === 'planned') this.#prepare(due, monotonicMs)
    else this.#open(duty)
  }

  #dutyFor(sale: Sale): SaleDuty {
    let duty = this.#duties.get(sale.saleId)
    if (duty === undefined) {
      duty = new SaleDuty(sale, false)
      this.#duties.set(sale.saleId, duty)
    }
    return duty
  }

  #prepare(sale: Sale, monotonicMs: number): void {
    const duty = this.#dutyFor(sale)
    if (duty.stage !== 'planned' || !duty.canCall(monotonicMs)) return
    void this.#call(duty, 'prepare', async (signal) => {
      duty.becomePrepared(await this.#settings.callbacks.prepare(duty.sale, signal))
    })
  }

  #isTried(sale: Sale | undefined): boolean {
    return sale !== undefined && this.#duties.get(sale.saleId)?.isTried === true
  }

  #open(duty: SaleDuty): void {
    duty.stage = 'open'
    this.#newest = duty.sale
    this.#isOpen = true
    try {
      this.#settings.callbacks.open(duty.sale)
    } catch (error) {
      // It cannot be called again without opening a sale twice.
      this.#report(error, 'open', duty.sale)
    }
  }

  /** Drops what nobody wants and nobody holds: a clock that jumps about leaves nothing behind. */
  #forgetUnwanted(due: Sale, next: Sale | undefined): void {
    for (const duty of this.#duties.values()) {
      const { saleId } = duty.sale
      if (duty.stage !== 'planned' || saleId === due.saleId || saleId === next?.saleId) continue
      if (duty.calling !== undefined) duty.calling.abort()
      else if (!duty.isHeld) this.#duties.delete(saleId)
    }
  }

  #retireOlder(monotonicMs: number): void {
    if (!this.#isOpen || this.#newest === undefined) return
    for (const duty of this.#duties.values()) {
      if (this.#stopped !== undefined) return
      // Older ones that nobody holds have just been forgotten, or are still being prepared.
      if (duty.sale.saleId >= this.#newest.saleId || !duty.canCall(monotonicMs)) continue
      void this.#call(duty, 'retire', async () => {
        const isGone = await this.#settings.callbacks.retire(duty.sale)
        if (isGone) this.#duties.delete(duty.sale.saleId)
        else duty.callAgainAt(this.#settings.clock.monotonicMs() + this.#settings.retirePollMs)
      })
    }
  }

  /**
   * Runs one callback, alone for its sale, and looks again when it has settled. Counted before the
   * callback is entered, so that a `stop()` from inside it waits for it too.
   */
  async #call(
    duty: SaleDuty,
    phase: SaleClockPhase,
    callback: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const controller = new AbortController()
    duty.calling = controller
    this.#callsInFlight += 1
    try {
      await callback(controller.signal)
    } catch (error) {
      const { clock, retryMinMs, retryMaxMs } = this.#settings
      duty.backOff(clock.monotonicMs(), retryMinMs, retryMaxMs)
      const isExpected = phase === 'prepare' && controller.signal.aborted
      if (!isExpected) this.#report(error, phase, duty.sale)
    }
    duty.calling = undefined
    this.#callsInFlight -= 1
    if (this.#stopped !== undefined && this.#callsInFlight === 0) this.#stopped.resolve()
    this.#wake()
  }

  #reportStep(): void {
    const step = this.#steps.check()
    if (step === undefined) return
    try {
      this.#settings.callbacks.onStep?.(step)
    } catch (error) {
      rethrowOutside(error)
    }
  }

  #report(error: unknown, phase: SaleClockPhase, sale: Sale): void {
    try {
      this.#settings.callbacks.onError(error, phase, sale)
    } catch (thrown) {
      rethrowOutside(thrown)
    }
  }

  #arm(atMonotonicMs: number): void {
    const delayMs = Math.ceil(atMonotonicMs - this.#settings.clock.monotonicMs())
    const handle = this.#settings.timers.setTimeout(() => this.#wake(), Math.max(1, delayMs))
    this.#timer = { handle }
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#settings.timers.clearTimeout(this.#timer.handle)
    this.#timer = undefined
  }
}

/** A reporter that throws is a bug of its owner: it surfaces uncaught, and the clock runs on. */
function rethrowOutside(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
