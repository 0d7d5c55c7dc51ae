import { isCheckoutCode, saleIdOfCode } from '../checkout-code.ts'
import type { RunRecord } from '../history/call-history.ts'
import type { SaleRow } from '../ledger/ledger.ts'
import { CallerState, type Interval, SaleState } from './sale-state.ts'
import { Track } from './track.ts'

/** When every row must be explained by a call, or every refusal by the calls. */
export type JudgedSales = 'auto' | 'always' | 'never'

/** Ids of a run's users, without building them. */
interface UserRange {
  readonly first: bigint
  readonly end: bigint
}

/**
 * All state of a check: sales, codes and callers. A sale that no run names takes its terms from the
 * run of the nearest older sale, and began as empty as that one: it followed during the run. Add the runs
 * first.
 */
export class Book {
  readonly sales: Map<number, SaleState> = new Map()
  readonly tracks: Map<string, Track> = new Map()
  readonly callers: Map<string, CallerState> = new Map()
  /** Per item, in whatever sale: since when a checkout in doubt may hold it. */
  readonly doubtFromMs: Map<number, number> = new Map()
  /** Items of which somebody was told that they, or all, are sold. */
  readonly saidSold: Set<number> = new Set()
  readonly runs: RunRecord[] = []
  /** The longest call seen, in milliseconds: how far back a call that is judged can reach. */
  longestCallMs = 0
  /** The newest sale of which, by the time of the sweep, a code was given or a run was told. */
  newestSaleId = 0

  /** When the first run began, in Unix milliseconds: nothing older can have been forgotten. */
  firstRunAtMs: number = Infinity

  private readonly judgeRefusals: JudgedSales
  private readonly explainRows: JudgedSales
  private readonly userRanges: UserRange[] = []
  /** Ids of the sales, newest first. */
  private order: number[] = []

  constructor(judgeRefusals: JudgedSales, explainRows: JudgedSales) {
    this.judgeRefusals = judgeRefusals
    this.explainRows = explainRows
  }

  /** Takes note of a run and returns its sale. */
  addRun(run: RunRecord): SaleState {
    this.runs.push(run)
    this.firstRunAtMs = Math.min(this.firstRunAtMs, run.startedAtMs)
    const first = BigInt(run.firstUserId)
    this.userRanges.push({ first, end: first + BigInt(run.userCount) })
    const sale = this.sale(run.saleId)
    if (run.startedAtMs < sale.firstRunAtMs) {
      sale.firstRunAtMs = run.startedAtMs
      sale.seenFromMs = Math.min(sale.seenFromMs, run.startedAtMs)
      sale.certainFromMs = Math.min(sale.certainFromMs, run.startedAtMs)
      this.setEmptiness(sale, run.startedEmpty)
      // The terms of a sale never change, so the first to name them is right; only the ledger knows better.
      if (sale.row === undefined) {
        sale.itemCount = run.items
        sale.userLimit = run.userLimit
      }
      sale.reservationTtlMs = run.reservationTtlMs ?? sale.reservationTtlMs
    }
    return sale
  }

  addSaleRow(row: SaleRow): void {
    const sale = this.sale(row.saleId)
    sale.row = row
    sale.itemCount = row.itemCount
    sale.userLimit = row.userLimit
  }

  sale(saleId: number): SaleState {
    const known = this.sales.get(saleId)
    if (known !== undefined) return known
    const sale = new SaleState(saleId)
    const run = this.runBefore(saleId)
    sale.itemCount = run?.items
    sale.userLimit = run?.userLimit
    sale.reservationTtlMs = run?.reservationTtlMs
    this.setEmptiness(sale, run?.startedEmpty === true)
    this.sales.set(saleId, sale)
    this.order = [...this.sales.keys()].toSorted((a, b) => b - a)
    return sale
  }

  /** Forgets a sale; its codes must be gone. */
  dropSale(saleId: number): void {
    this.sales.delete(saleId)
    this.order = this.order.filter((id) => id !== saleId)
  }

  /** Whether all calls are known, so that a code that is used must have been given by one of them. */
  get knowsAllCodes(): boolean {
    return this.judgeRefusals !== 'never'
  }

  /** The sales that may have been the current one at some moment of the interval. */
  *currentWithin({ fromMs, untilMs }: Interval): Iterable<SaleState> {
    for (const saleId of this.order) {
      const sale = this.sales.get(saleId) as SaleState
      if (sale.seenFromMs > untilMs) continue
      yield sale
      if (sale.certainFromMs <= fromMs) return
    }
  }

  /** The only sale that may have been the current one then; undefined when there are more, or none. */
  onlyCurrentWithin(fromMs: number, untilMs: number): SaleState | undefined {
    let only: SaleState | undefined
    for (const saleId of this.order) {
      const sale = this.sales.get(saleId) as SaleState
      if (sale.seenFromMs > untilMs) continue
      if (only !== undefined) return undefined
      only = sale
      if (sale.certainFromMs <= fromMs) return only
    }
    return only
  }

  /** The track of a code, begun when it is new; codes are compared as bits, not as text. */
  track(code: string, saleId: number, itemId: number, userId: string): Track {
    const key = code.toLowerCase()
    let track = this.tracks.get(key)
    if (track === undefined) {
      const sale = this.sale(isCheckoutCode(key) ? saleIdOfCode(key) : saleId)
      track = new Track(key, sale, itemId, userId)
      this.tracks.set(key, track)
    }
    return track
  }

  findTrack(code: string): Track | undefined {
    return this.tracks.get(code.toLowerCase())
  }

  caller(userId: string): CallerState {
    let caller = this.callers.get(userId)
    if (caller === undefined) {
      caller = new CallerState()
      this.callers.set(userId, caller)
    }
    return caller
  }

  /** Whether a user is one of these runs'. */
  isOurUser(userId: string): boolean {
    const id = BigInt(userId)
    return this.userRanges.some(({ first, end }) => id >= first && id < end)
  }

  /** The run of the nearest older sale. */
  private runBefore(saleId: number): RunRecord | undefined {
    let nearest: RunRecord | undefined
    for (const run of this.runs) {
      if (run.saleId < saleId && run.saleId >= (nearest?.saleId ?? 0)) nearest = run
    }
    return nearest
  }

  private setEmptiness(sale: SaleState, began: boolean): void {
    sale.isComplete = this.judgeRefusals === 'auto' ? began : this.judgeRefusals === 'always'
    sale.isExplained = this.explainRows === 'auto' ? began : this.explainRows === 'always'
  }
}
