import type { Sale, SaleClockCallbacks, SaleClockPhase, Step } from '@megacache/sale-clock'
import { SaleClock } from '@megacache/sale-clock'
import type { SaleClockOptions } from '@megacache/sale-clock'
import { ManualClock, ManualTimers } from '@megacache/sale-clock/testing'

/** What the world of a test is made of; a fresh one for each test. */
export class World {
  readonly clock: ManualClock
  readonly timers: ManualTimers
  sales: RecordedSales

  constructor(wallMs: number) {
    this.clock = new ManualClock(wallMs, 5_000)
    this.timers = new ManualTimers(this.clock)
    this.sales = new RecordedSales(this)
  }

  saleClock(options: Partial<SaleClockOptions> & { periodMs: number }): SaleClock {
    const { clock, timers, sales } = this
    sales.given = options.current
    return new SaleClock({ clock, timers, ...sales.callbacks(), ...options })
  }

  /** What a new process finds: the stored terms, and the sales that recovery restores. */
  restart(): { current: Sale | undefined; restored: Sale[] } {
    const before = this.sales
    this.sales = new RecordedSales(this)
    const restored: Sale[] = []
    for (const [saleId, sale] of before.stored) {
      this.sales.stored.set(saleId, sale)
      if (!before.held.has(saleId)) continue
      this.sales.held.add(saleId)
      restored.push(sale)
    }
    this.sales.violations.push(...before.violations)
    return { current: before.opened.at(-1)?.sale ?? before.given, restored }
  }

  after(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.timers.setTimeout(resolve, ms)
    })
  }
}

/**
 * Callbacks that write down what happens, fail on demand, and watch the rules that hold at every
 * instant. A broken rule goes to `violations`: thrown, the clock would take it for a failed
 * callback.
 */
export class RecordedSales {
  /** `prepare 10`, `open 10`, `retire 10`, in order. */
  readonly log: string[] = []
  readonly opened: Array<{ sale: Sale; atWallMs: number }> = []
  readonly errors: Array<{ error: unknown; phase: SaleClockPhase; saleId: number }> = []
  readonly steps: Step[] = []
  readonly violations: string[] = []
  /** Prepared or opened, and not yet retired. */
  readonly held = new Set<number>()
  readonly retired = new Set<number>()
  /** How many of the next calls of each kind fail; `Infinity` for all. */
  failures = { prepare: 0, open: 0, retire: 0 }
  /** How long a call takes, milliseconds; 0 is at once. */
  takesMs = { prepare: 0, retire: 0 }
  /** How often each retire is refused before it succeeds. */
  hasLiveReservations = false
  /** Terms fixed when a sale was first prepared, by sale id: what a database would hold. */
  readonly stored = new Map<number, Sale>()
  /** The sale that was open before the restart: it may open before its start. */
  given: Sale | undefined
  readonly #world: World
  readonly #busy = new Set<number>()

  constructor(world: World) {
    this.#world = world
  }

  callbacks(): Required<SaleClockCallbacks> {
    return {
      prepare: (sale, signal) => this.#alone(sale, async () => this.#prepare(sale, signal)),
      open: (sale) => this.#open(sale),
      retire: (sale) => this.#alone(sale, async () => this.#retire(sale)),
      onError: (error, phase, { saleId }) => this.errors.push({ error, phase, saleId }),
      onStep: (step) => this.steps.push(step),
    }
  }

  openedIds(): number[] {
    return this.opened.map(({ sale }) => sale.saleId)
  }

  async #prepare(sale: Sale, signal: AbortSignal): Promise<Sale | void> {
    this.log.push(`prepare ${sale.saleId}`)
    if (signal.aborted) this.violations.push(`prepare ${sale.saleId} began aborted`)
    if (this.opened.some((open) => open.sale.saleId === sale.saleId)) {
      this.violations.push(`prepare ${sale.saleId} after it opened`)
    }
    const isFailing = this.failures.prepare > 0
    if (isFailing) this.failures.prepare -= 1
    if (this.takesMs.prepare > 0) await this.#world.after(this.takesMs.prepare)
    if (isFailing) throw new Error('prepare failed')
    this.held.add(sale.saleId)
    const stored = this.stored.get(sale.saleId)
    if (stored === undefined) this.stored.set(sale.saleId, sale)
    return stored
  }

  #open(sale: Sale): void {
    this.log.push(`open ${sale.saleId}`)
    const atWallMs = this.#world.clock.wallMs()
    const last = this.opened.at(-1)?.sale ?? this.given
    const isGiven = this.opened.length === 0 && sale.saleId === this.given?.saleId
    if (last !== undefined && sale.saleId <= last.saleId && !isGiven) {
      this.violations.push(`open ${sale.saleId} after ${last.saleId}`)
    }
    if (last !== undefined && sale.startsAtMs < last.endsAtMs && !isGiven) {
      this.violations.push(`open ${sale.saleId} overlaps ${last.saleId}`)
    }
    if (atWallMs < sale.startsAtMs && !isGiven) {
      this.violations.push(`open ${sale.saleId} early by ${sale.startsAtMs - atWallMs} ms`)
    }
    if (atWallMs >= sale.endsAtMs) this.violations.push(`open ${sale.saleId} after its end`)
    if (!this.held.has(sale.saleId)) this.violations.push(`open ${sale.saleId} unprepared`)
    if (this.#busy.has(sale.saleId)) this.violations.push(`open ${sale.saleId} while busy`)
    this.opened.push({ sale, atWallMs })
    if (this.failures.open > 0) {
      this.failures.open -= 1
      throw new Error('open failed')
    }
  }

  async #retire(sale: Sale): Promise<boolean> {
    this.log.push(`retire ${sale.saleId}`)
    const current = this.opened.at(-1)?.sale
    if (current === undefined || sale.saleId >= current.saleId) {
      this.violations.push(`retire ${sale.saleId} while ${current?.saleId} is open`)
    }
    if (this.retired.has(sale.saleId)) this.violations.push(`retire ${sale.saleId} twice`)
    const isFailing = this.failures.retire > 0
    if (isFailing) this.failures.retire -= 1
    if (this.takesMs.retire > 0) await this.#world.after(this.takesMs.retire)
    if (isFailing) throw new Error('retire failed')
    if (this.hasLiveReservations) return false
    this.held.delete(sale.saleId)
    this.retired.add(sale.saleId)
    return true
  }

  async #alone<T>(sale: Sale, callback: () => Promise<T>): Promise<T> {
    if (this.#busy.has(sale.saleId)) this.violations.push(`two calls for ${sale.saleId} at once`)
    this.#busy.add(sale.saleId)
    try {
      return await callback()
    } finally {
      this.#busy.delete(sale.saleId)
    }
  }
}
