import type { RecordedCall } from '../history/call-history.ts'
import type { Book } from './book.ts'
import { EventQueue } from './event-queue.ts'
import { judgeCall } from './rules/judge-call.ts'
import { checkExclusive } from './rules/exclusive.ts'
import { checkOwnedLimit } from './rules/owned-limit.ts'
import { checkSaleOrder } from './rules/sale-order.ts'
import type { SaleState } from './sale-state.ts'
import type { Tolerances } from './tolerances.ts'
import type { Track } from './track.ts'
import type { ViolationList } from './violation.ts'

/*
 * What happens at one moment, in this order: a span contains its beginning and not its end where it is
 * certain, and both where it is possible, so that a tie is never a violation.
 */
const SALE_CURRENT = 0
const POSSIBLE_START = 1
const CERTAIN_END = 2
const CERTAIN_START = 3
const MAYBE_SOLD = 4
const JUDGE = 5
const POSSIBLE_END = 6
const SETTLE = 7

/** Ends kept for a user before those too old to matter are thrown away. */
const ENDS_KEPT = 64

/** What the rules are given. */
export interface CheckContext {
  readonly book: Book
  readonly found: ViolationList
  readonly tolerances: Tolerances
  readonly hasLedger: boolean
  /** How long a code is remembered after its reservation ended, in milliseconds; Infinity: for ever. */
  readonly retainMs: number
}

/** Where codes go that are over: they can be judged as a whole and then forgotten. */
export type Settle = (track: Track) => void

/**
 * Goes through everything in the order of time. What is added may have happened at any time that the
 * sweep has not passed; each reservation begins and ends to be possible and to be certain, and each call
 * is judged at its answer, when all calls that were sent before are known.
 */
export class Sweep {
  nowMs: number = -Infinity
  private readonly context: CheckContext
  private readonly queue = new EventQueue<Track | RecordedCall | SaleState>()
  private readonly settle: Settle
  private readonly retainMs: number

  constructor(context: CheckContext, retainMs: number, settle: Settle) {
    this.context = context
    this.retainMs = retainMs
    this.settle = settle
  }

  /** Moments that wait to be passed. */
  get waitingCount(): number {
    return this.queue.size
  }

  /** Passes every moment up to `untilMs`. */
  advance(untilMs: number): void {
    while (this.queue.size > 0 && this.queue.nextMs <= untilMs) {
      const atMs = this.queue.nextMs
      const rank = this.queue.nextRank
      const subject = this.queue.take()
      if (atMs > this.nowMs) this.nowMs = atMs
      this.pass(rank, subject)
    }
    if (untilMs > this.nowMs && untilMs !== Infinity) this.nowMs = untilMs
  }

  /** A sale was current at this time. */
  current(sale: SaleState, atMs: number): void {
    this.queue.add(atMs, SALE_CURRENT, sale)
  }

  /** A call is to be judged at its answer. */
  judge(call: RecordedCall): void {
    this.queue.add(call.answeredAtMs + this.context.tolerances.skewMs, JUDGE, call)
  }

  /** What is known of a track has changed. */
  changed(track: Track): void {
    track.refresh(this.context.tolerances)
    if (track.isPossible) this.queuePossibleEnd(track)
    else if (!track.isStartQueued && (!track.hasStarted || track.possibleUntilMs > this.nowMs)) {
      track.isStartQueued = true
      this.queue.add(track.possibleFromMs, POSSIBLE_START, track)
    }
    if (track.isCertain) this.queueCertainEnd(track)
    else if (!track.isCertainQueued && track.certainUntilMs > this.afterStart(track)) {
      track.isCertainQueued = true
      this.queue.add(track.certainFromMs, CERTAIN_START, track)
    }
  }

  /** The item may be sold from this time on. */
  maybeSold(track: Track, atMs: number): void {
    this.queue.add(atMs, MAYBE_SOLD, track)
    const item = track.sale.item(track.itemId)
    item.maybeSoldFromMs = Math.min(item.maybeSoldFromMs, atMs)
  }

  /** Forgets the callers whose calls are too old to excuse a refusal. */
  forgetCallers(): void {
    const fromMs = this.reachMs()
    const { callers } = this.context.book
    for (const [userId, caller] of callers) {
      caller.forget(fromMs)
      if (caller.refused.length === 0 && caller.doubtfulItems.size === 0) callers.delete(userId)
    }
  }

  private pass(rank: number, subject: Track | RecordedCall | SaleState): void {
    switch (rank) {
      case SALE_CURRENT:
        return this.saleCurrent(subject as SaleState)
      case POSSIBLE_START:
        return this.possibleStart(subject as Track)
      case POSSIBLE_END:
        return this.possibleEnd(subject as Track)
      case CERTAIN_START:
        return this.certainStart(subject as Track)
      case CERTAIN_END:
        return this.certainEnd(subject as Track)
      case MAYBE_SOLD:
        return this.countMaybeSold(subject as Track)
      case JUDGE:
        return judgeCall(this.context, subject as RecordedCall)
      default:
        return this.settleIfOver(subject as Track)
    }
  }

  private saleCurrent(sale: SaleState): void {
    const { book } = this.context
    if (sale.saleId > book.newestSaleId) book.newestSaleId = sale.saleId
  }

  private possibleStart(track: Track): void {
    track.isStartQueued = false
    if (track.isPossible) return
    if (!track.hasStarted && track.checkout !== undefined) checkSaleOrder(this.context, track)
    track.hasStarted = true
    track.isPossible = true
    track.sale.item(track.itemId).possibleCount++
    track.sale.user(track.userId).possibleCount++
    this.queuePossibleEnd(track)
  }

  private queuePossibleEnd(track: Track): void {
    if (track.possibleUntilMs === track.queuedPossibleEndMs) return
    track.queuedPossibleEndMs = track.possibleUntilMs
    if (track.possibleUntilMs !== Infinity) {
      this.queue.add(track.possibleUntilMs, POSSIBLE_END, track)
    }
  }

  private queueCertainEnd(track: Track): void {
    if (track.certainUntilMs === track.queuedCertainEndMs) return
    track.queuedCertainEndMs = track.certainUntilMs
    if (track.certainUntilMs !== Infinity) this.queue.add(track.certainUntilMs, CERTAIN_END, track)
  }

  private afterStart(track: Track): number {
    return Math.max(track.certainFromMs, this.nowMs)
  }

  private possibleEnd(track: Track): void {
    if (!track.isPossible || track.possibleUntilMs > this.nowMs) return
    track.isPossible = false
    track.queuedPossibleEndMs = Infinity
    const item = track.sale.item(track.itemId)
    item.possibleCount--
    item.lastPossibleEndMs = this.nowMs
    item.lastEnded = track
    const user = track.sale.user(track.userId)
    user.possibleCount--
    user.possibleEnds.push(this.nowMs)
    if (user.possibleEnds.length > ENDS_KEPT) {
      const fromMs = this.reachMs()
      user.possibleEnds = user.possibleEnds.filter((endMs) => endMs >= fromMs)
    }
    if (this.retainMs !== Infinity) this.queue.add(this.nowMs + this.retainMs, SETTLE, track)
  }

  private certainStart(track: Track): void {
    track.isCertainQueued = false
    if (track.isCertain || track.certainUntilMs <= this.nowMs) return
    track.isCertain = true
    const item = track.sale.item(track.itemId)
    item.certain.push(track)
    checkExclusive(this.context, item, track)
    const user = track.sale.user(track.userId)
    user.certain.add(track)
    checkOwnedLimit(this.context, user, track)
    this.queueCertainEnd(track)
  }

  private certainEnd(track: Track): void {
    if (!track.isCertain || track.certainUntilMs > this.nowMs) return
    track.isCertain = false
    track.queuedCertainEndMs = Infinity
    const { certain } = track.sale.item(track.itemId)
    certain.splice(certain.indexOf(track), 1)
    track.sale.user(track.userId).certain.delete(track)
  }

  private countMaybeSold(track: Track): void {
    const item = track.sale.item(track.itemId)
    if (item.isMaybeSold) return
    item.isMaybeSold = true
    track.sale.maybeSoldCount++
  }

  private settleIfOver(track: Track): void {
    if (track.isPossible || track.isCertain || track.possibleUntilMs > this.nowMs) return
    this.settle(track)
    const { sale } = track
    const user = sale.user(track.userId)
    if (user.possibleCount === 0 && user.boughtCount === 0 && user.certain.size === 0) {
      sale.users.delete(track.userId)
    }
  }

  /** How far back a call that is judged from now on can reach. */
  private reachMs(): number {
    const { book, tolerances } = this.context
    return this.nowMs - book.longestCallMs - 2 * tolerances.skewMs
  }
}
