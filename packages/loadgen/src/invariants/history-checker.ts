import { isCheckoutCode, saleIdOfCode } from '../checkout-code.ts'
import type { HistorySink, RecordedCall, RunRecord } from '../history/call-history.ts'
import type { CheckoutRow, PurchaseRow, SaleRow } from '../ledger/ledger.ts'
import { Book } from './book.ts'
import { CallCounts } from './call-counts.ts'
import { checkCodeOutcome } from './rules/code-outcome.ts'
import { saysOver } from './rules/code-refusals.ts'
import { isJudged } from './rules/judge-call.ts'
import { isJustifiedNow } from './rules/justified-now.ts'
import { checkRowsOf } from './rules/ledger-rows.ts'
import { checkPurchaseAmongRows } from './rules/purchase-rows.ts'
import { checkSoldOut } from './rules/sold-out.ts'
import { checkSaleOfCode } from './rules/unknown-code.ts'
import { type CheckContext, Sweep } from './sweep.ts'
import type { Track } from './track.ts'
import {
  type CheckedVerifyOptions,
  checkVerifyOptions,
  type Verification,
  type VerifyOptions,
} from './verification.ts'
import { ViolationList } from './violation.ts'

/** How a history is checked while it grows. Times in milliseconds. */
export interface CheckerOptions extends VerifyOptions {
  /** Whether rows of a ledger will be added: then an acknowledged call without one is a violation. */
  readonly hasLedger?: boolean
  /**
   * Longest time from the sending of a call to its record: after it the checker judges by itself as calls
   * come. Default Infinity: it judges only when told to, by `advance` or `finish`.
   */
  readonly lagMs?: number
  /**
   * How long a code is remembered after its reservation ended, which bounds the memory by what lives.
   * Default Infinity: for ever.
   */
  readonly retainMs?: number
}

/** Calls between two judgements while they come. */
const ADVANCE_EVERY = 256
/** Calls between two looks for users that can be forgotten. */
const CALLERS_LOOK = 65_536

/**
 * Checks a history of calls against the promises of the service, as it grows or as a whole.
 *
 * Calls may be added in any order, of which `advance` passes a part: it promises that no call that is
 * added later was sent before. Each call costs O(log n) in the calls of one window of time. With a finite
 * `retainMs` the memory is bounded by items, users and calls in flight or in doubt; given up then: a code
 * that is given or bought again later than that after its end is one that was never given, which is
 * reported as such for purchases only. With a finite `lagMs` a refused checkout that is justified when it
 * comes is not looked at again.
 *
 * Rows, where there is a ledger, are added before the time at which they were written is passed.
 * Not for several threads: one checker must see all calls, since a promise spans users.
 */
export class HistoryChecker implements HistorySink {
  private readonly options: CheckedVerifyOptions
  private readonly lagMs: number
  private readonly context: CheckContext
  private readonly sweep: Sweep
  private readonly counts = new CallCounts()
  private newestMs = -Infinity
  private watermarkMs = -Infinity

  constructor(options: CheckerOptions = {}) {
    const { hasLedger = false, lagMs = Infinity, retainMs = Infinity, ...verify } = options
    this.options = checkVerifyOptions(verify)
    this.lagMs = lagMs
    this.context = {
      book: new Book(this.options.judgeRefusals, this.options.explainRows),
      found: new ViolationList(),
      tolerances: this.options,
      hasLedger,
      retainMs,
    }
    this.sweep = new Sweep(this.context, retainMs, (track) => this.forget(track))
  }

  /** What the ledger's clock may differ by, after its offset, in milliseconds. */
  get clockToleranceMs(): number {
    return this.options.clockToleranceMs
  }

  /** Violations so far. */
  get violationCount(): number {
    return this.context.found.count
  }

  /** Codes, users in a sale and moments that are kept now: what the memory is for. */
  get keptCount(): number {
    const { book } = this.context
    let users = book.callers.size
    for (const sale of book.sales.values()) users += sale.users.size
    return book.tracks.size + users + this.sweep.waitingCount
  }

  /** A run; before its calls. */
  run(record: RunRecord): void {
    const sale = this.context.book.addRun(record)
    this.sweep.current(sale, record.startedAtMs)
  }

  /** One call, when it has ended. */
  call(call: RecordedCall): void {
    this.counts.add(call)
    if (call.sentAtMs < this.watermarkMs) this.counts.lateCalls++
    const { book } = this.context
    book.longestCallMs = Math.max(book.longestCallMs, call.answeredAtMs - call.sentAtMs)
    if (call.step === 'checkout') this.addCheckout(call)
    else this.addUseOfCode(call)
    if (isJudged(call) && !this.isSettledAtOnce(call)) this.sweep.judge(call)
    if (call.answeredAtMs > this.newestMs) this.newestMs = call.answeredAtMs
    if (this.counts.calls % CALLERS_LOOK === 0) this.sweep.forgetCallers()
    if (this.lagMs !== Infinity && this.counts.calls % ADVANCE_EVERY === 0) {
      this.advance(this.newestMs - this.lagMs)
    }
  }

  flush(): void {}

  /** The terms of a sale as the ledger has them; before its rows, after the runs. */
  saleRow(row: SaleRow): void {
    this.context.book.addSaleRow(row)
  }

  /** A reservation of the ledger, its times on the clock of the calls. */
  checkoutRow(row: CheckoutRow): void {
    this.counts.checkoutRows++
    const { book, found, tolerances } = this.context
    const track = book.track(row.code, row.saleId, row.itemId, row.userId)
    if (track.row !== undefined) {
      return found.add(
        'checkout_row_duplicated',
        `several rows for the reservation of item ${row.itemId} by user ${row.userId}`,
        { calls: track.calls, rows: [...track.rows, { table: 'checkouts', ...row }] },
      )
    }
    track.row = row
    const { sale } = track
    sale.seenFromMs = Math.min(sale.seenFromMs, row.createdAtMs - tolerances.clockToleranceMs)
    this.sweep.changed(track)
  }

  /** A purchase of the ledger. */
  purchaseRow(row: PurchaseRow): void {
    this.counts.purchaseRows++
    const { book, found } = this.context
    const track = book.track(row.code, row.saleId, row.itemId, row.userId)
    checkPurchaseAmongRows(this.context, track, row)
    if (track.purchaseRow !== undefined) {
      return found.add(
        'purchase_row_duplicated',
        `several rows for the purchase of item ${row.itemId} by user ${row.userId}`,
        { calls: track.calls, rows: [...track.rows, { table: 'purchases', ...row }] },
      )
    }
    track.purchaseRow = row
    // It may have been sold from the moment at which it was reserved: the row's own time says no more.
    this.sweep.maybeSold(track, track.row?.createdAtMs ?? -Infinity)
    this.sweep.changed(track)
  }

  /** Promises that no call that is added later was sent before `watermarkMs`, and judges up to there. */
  advance(watermarkMs: number): void {
    if (watermarkMs <= this.watermarkMs) return
    this.watermarkMs = watermarkMs
    this.sweep.advance(watermarkMs - this.options.skewMs)
  }

  /**
   * Judges all that is left and gives the verdict. Nothing may be added afterwards.
   *
   * @param expectSoldOut as the option, which it replaces: known only when the run is over.
   */
  finish(expectSoldOut: boolean = this.options.expectSoldOut): Verification {
    this.sweep.advance(Infinity)
    const { book, found } = this.context
    for (const track of book.tracks.values()) this.judgeWhole(track)
    if (expectSoldOut) checkSoldOut(this.context)
    return {
      ok: found.count === 0,
      violationCount: found.count,
      countByKind: Object.fromEntries(found.countByKind),
      violations: found.violations,
      checked: this.counts.result(book, this.context.hasLedger),
    }
  }

  /** Left to itself, the checker keeps only the refusals that are not justified when they come. */
  private isSettledAtOnce(call: RecordedCall): boolean {
    return this.lagMs !== Infinity && call.step === 'checkout' && isJustifiedNow(this.context, call)
  }

  private addCheckout(call: RecordedCall): void {
    const { book, found, tolerances } = this.context
    if (call.outcome === 'acknowledged' && isCheckoutCode(call.code)) return this.addGrant(call)
    const caller = book.caller(call.userId)
    const fromMs = call.sentAtMs - tolerances.skewMs
    if (call.outcome === 'refused') {
      if (call.reason === 'item_sold' || call.reason === 'sold_out') book.saidSold.add(call.itemId)
      if (call.reason === 'user_limit_reached') return
      caller.refused.push(fromMs, call.answeredAtMs + tolerances.skewMs)
      return
    }
    // Whatever was not refused and gave no code may hold the item, from its sending on.
    caller.doubt(call.itemId)
    const since = book.doubtFromMs.get(call.itemId) ?? Infinity
    if (fromMs < since) book.doubtFromMs.set(call.itemId, fromMs)
    if (call.outcome === 'unknown') return
    found.add(
      'code_malformed',
      `user ${call.userId} reserved item ${call.itemId} and was answered ${JSON.stringify(call.code)}`,
      { calls: [call] },
    )
  }

  private addGrant(call: RecordedCall): void {
    const { book, found, tolerances } = this.context
    checkSaleOfCode(this.context, call, saleIdOfCode(call.code))
    const track = book.track(call.code, call.saleId, call.itemId, call.userId)
    if (track.checkout !== undefined) {
      return found.add(
        'code_given_twice',
        `one code was given to user ${track.userId} for item ${track.itemId} ` +
          `and to user ${call.userId} for item ${call.itemId}`,
        { calls: [track.checkout, call], rows: track.rows },
      )
    }
    track.checkout = call
    const { sale } = track
    const item = sale.item(call.itemId)
    if (call.sentAtMs > (item.latest?.checkout?.sentAtMs ?? -Infinity)) item.latest = track
    sale.seenFromMs = Math.min(sale.seenFromMs, call.sentAtMs - tolerances.skewMs)
    const givenMs = call.answeredAtMs + tolerances.skewMs
    if (givenMs < sale.certainFromMs) sale.certainFromMs = givenMs
    if (sale.saleId > book.newestSaleId) this.sweep.current(sale, givenMs)
    if (call.itemId < 0 || call.itemId >= (sale.itemCount ?? Infinity)) {
      found.add(
        'item_out_of_range',
        `user ${call.userId} reserved item ${call.itemId} of sale ${sale.saleId}, ` +
          `which has ${sale.itemCount ?? 0} items`,
        { calls: [call] },
      )
    }
    this.sweep.changed(track)
  }

  /** A purchase, a cancel or a read. */
  private addUseOfCode(call: RecordedCall): void {
    const { book } = this.context
    const isRefused = call.outcome === 'refused'
    const isPurchase = call.step === 'purchase' && !isRefused
    const track = isPurchase
      ? book.track(call.code, call.saleId, call.itemId, call.userId)
      : book.findTrack(call.code)
    if (track === undefined) return
    if (isRefused && call.reason === 'already_purchased') track.boughtRefusal ??= call
    if (saysOver(call)) track.overAnswer ??= call
    else if (isPurchase) this.addPurchase(track, call)
    else if (call.step === 'cancel' && !isRefused) track.noteCancel(call)
    else if (call.step === 'read' && call.outcome === 'acknowledged') this.addRead(track, call)
    else return
    this.sweep.changed(track)
  }

  private addPurchase(track: Track, call: RecordedCall): void {
    if (call.outcome === 'acknowledged') track.purchase ??= call
    if (call.sentAtMs >= (track.purchaseTry?.sentAtMs ?? Infinity)) return
    track.purchaseTry = call
    this.sweep.maybeSold(track, call.sentAtMs - this.options.skewMs)
  }

  private addRead(track: Track, call: RecordedCall): void {
    if (call.state === 'purchased') {
      track.boughtRead ??= call
      this.sweep.maybeSold(track, track.purchaseTry?.sentAtMs ?? call.sentAtMs)
    } else if (call.state === 'reserved') {
      const seenMs = call.sentAtMs - this.options.skewMs
      track.seenLivingMs = Math.max(track.seenLivingMs, seenMs)
    }
  }

  private judgeWhole(track: Track): void {
    checkCodeOutcome(this.context, track)
    if (this.context.hasLedger) checkRowsOf(this.context, track)
  }

  /** A code whose reservation is over is judged and forgotten; with a ledger only what has found its row. */
  private forget(track: Track): void {
    const { hasLedger, book } = this.context
    const isOurs = track.checkout !== undefined || track.purchaseTry !== undefined
    if (hasLedger && isOurs !== (track.row !== undefined)) {
      if (isOurs || book.isOurUser(track.userId)) return
    }
    this.judgeWhole(track)
    book.tracks.delete(track.code)
  }
}
