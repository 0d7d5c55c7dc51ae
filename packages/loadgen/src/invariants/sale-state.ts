import type { RecordedCall } from '../history/call-history.ts'
import type { PurchaseRow, SaleRow } from '../ledger/ledger.ts'
import type { Track } from './track.ts'

/** One item of one sale, as far as the sweep has come. */
export class ItemState {
  /** Reservations and purchases that may hold it now. */
  possibleCount = 0
  /** When the last of those that are over ended. */
  lastPossibleEndMs: number = -Infinity
  lastEnded: Track | undefined
  /** The reservation that began last, of those known so far. */
  latest: Track | undefined
  /** Those that certainly hold it now: more than one is a violation. */
  readonly certain: Track[] = []
  /** From when on it may be sold. */
  maybeSoldFromMs: number = Infinity
  /** Whether it is among the items counted as maybe sold. */
  isMaybeSold = false
  /** The first reservation whose purchase was acknowledged. */
  bought: Track | undefined
  purchaseRow: PurchaseRow | undefined
}

/** One user in one sale, as far as the sweep has come. */
export class UserState {
  possibleCount = 0
  /** When possible reservations ended, as far back as a call that is still to be judged reaches. */
  possibleEnds: number[] = []
  /** Reservations and purchases that are certainly this user's now. */
  readonly certain: Set<Track> = new Set()
  boughtCount = 0
  purchaseRowCount = 0
  /** Acknowledged purchases, up to one above the limit, as evidence. */
  readonly bought: Track[] = []
  isReportedAboveLimit = false
}

/** What is known of a sale, and all that happened in it. */
export class SaleState {
  readonly saleId: number
  itemCount: number | undefined
  userLimit: number | undefined
  reservationTtlMs: number | undefined
  /** Whether it began empty and this history has all its calls: then refusals can be judged. */
  isComplete = false
  /** Whether every row of a user of the history must be explained by a call. */
  isExplained = false
  row: SaleRow | undefined
  /** When it may have begun, and when it certainly had: grants and runs say so. */
  seenFromMs: number = Infinity
  certainFromMs: number = Infinity
  /** When the first run that was aimed at it began. */
  firstRunAtMs: number = Infinity

  readonly items: Map<number, ItemState> = new Map()
  readonly users: Map<string, UserState> = new Map()
  /** Items that may be sold by now. */
  maybeSoldCount = 0
  boughtCount = 0
  purchaseRowCount = 0
  isReportedMissing = false

  constructor(saleId: number) {
    this.saleId = saleId
  }

  item(itemId: number): ItemState {
    let item = this.items.get(itemId)
    if (item === undefined) {
      item = new ItemState()
      this.items.set(itemId, item)
    }
    return item
  }

  user(userId: string): UserState {
    let user = this.users.get(userId)
    if (user === undefined) {
      user = new UserState()
      this.users.set(userId, user)
    }
    return user
  }
}

/**
 * What a user's calls may have done for a moment or in doubt, whatever the sale: a refused checkout
 * counts while it lasts, because the service counts before it looks; an unknown one for ever.
 */
export class CallerState {
  /** Items that unknown checkouts may have reserved, each with the rows that they can still explain. */
  readonly doubtfulItems: Map<number, number> = new Map()
  /** Intervals of refused checkouts: from, until, from, until. */
  refused: number[] = []

  /** An unknown checkout of an item: it may have one row. */
  doubt(itemId: number): void {
    this.doubtfulItems.set(itemId, (this.doubtfulItems.get(itemId) ?? 0) + 1)
  }

  /** Whether an unknown checkout is left that explains a row of this item. */
  explainsRow(itemId: number): boolean {
    const left = this.doubtfulItems.get(itemId) ?? 0
    if (left > 0) this.doubtfulItems.set(itemId, left - 1)
    return left > 0
  }

  /** Refused checkouts that lasted at some moment of `from` to `until`. */
  refusedWithin(fromMs: number, untilMs: number): number {
    let count = 0
    for (let i = 0; i < this.refused.length; i += 2) {
      const isWithin =
        (this.refused[i] as number) <= untilMs && (this.refused[i + 1] as number) >= fromMs
      if (isWithin) count++
    }
    return count
  }

  /** Forgets the intervals that ended before `beforeMs`. */
  forget(beforeMs: number): void {
    const kept: number[] = []
    for (let i = 0; i < this.refused.length; i += 2) {
      const untilMs = this.refused[i + 1] as number
      if (untilMs >= beforeMs) kept.push(this.refused[i] as number, untilMs)
    }
    this.refused = kept
  }
}

/** A call with the interval that it may have acted in, the skew of the clocks added. */
export interface Interval {
  readonly fromMs: number
  readonly untilMs: number
}

/** The interval of a call, `skewMs` wider at both ends. */
export function intervalOf(call: RecordedCall, skewMs: number): Interval {
  return { fromMs: call.sentAtMs - skewMs, untilMs: call.answeredAtMs + skewMs }
}
