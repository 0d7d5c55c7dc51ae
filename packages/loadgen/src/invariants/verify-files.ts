import { outlineOf, mergedRecords } from '../history/history-reader.ts'
import type { CheckoutRow, LedgerPages, LedgerSource, PurchaseRow } from '../ledger/ledger.ts'
import { LoadgenError } from '../loadgen-error.ts'
import { HistoryChecker } from './history-checker.ts'
import type { Verification, VerifyOptions } from './verification.ts'
import { onOurClock } from './verify-ledger.ts'

/** How long a code is remembered after its reservation ended, unless told otherwise, in milliseconds. */
const RETAIN_MS = 120_000
/** Calls between two judgements. */
const ADVANCE_EVERY = 1_024

/** What may be set for {@link verifyHistoryFiles}. */
export interface VerifyFilesOptions extends VerifyOptions {
  /** How long a code is remembered after its reservation ended; default two minutes. */
  readonly retainMs?: number
  /** Called now and then with the calls checked so far, of how many. */
  readonly onProgress?: (checked: number, total: number) => void
}

/**
 * Checks files of calls of any length, with a ledger or without. The files are read twice: once for what
 * is in them, once to check them, in memory for what lives at one time. Several files are merged by time.
 *
 * @throws LoadgenError `LOADGEN_HISTORY_MALFORMED` when there is no run in them, or a line is broken; and
 * what the ledger throws.
 */
export async function verifyHistoryFiles(
  paths: readonly string[],
  source?: LedgerSource,
  options: VerifyFilesOptions = {},
): Promise<Verification> {
  const { retainMs = RETAIN_MS, onProgress, ...verify } = options
  const outline = await outlineOf(paths)
  if (outline.runs.length === 0) {
    throw new LoadgenError(
      'LOADGEN_HISTORY_MALFORMED',
      `no run is recorded in ${paths.join(', ')}`,
    )
  }
  const check = async (pages?: LedgerPages): Promise<Verification> => {
    const checker = new HistoryChecker({ ...verify, retainMs, hasLedger: pages !== undefined })
    for (const run of outline.runs) checker.run(run)
    const rows = pages === undefined ? undefined : new RowFeed(checker, pages)
    let newestMs = -Infinity
    let count = 0
    for await (const record of mergedRecords(paths)) {
      if (record.kind === 'run') continue
      checker.call(record.call)
      newestMs = Math.max(newestMs, record.call.answeredAtMs)
      if (++count % ADVANCE_EVERY > 0) continue
      const watermarkMs = newestMs - outline.lagMs
      // A row is written while its call lasts; the clocks may differ by the tolerance.
      await rows?.feed(watermarkMs + 2 * checker.clockToleranceMs)
      checker.advance(watermarkMs)
      onProgress?.(count, outline.callCount)
    }
    await rows?.feed(Infinity)
    onProgress?.(count, outline.callCount)
    return checker.finish()
  }
  return source === undefined ? check() : source.readPages(outline.saleIds, check)
}

/** Adds rows as far as the calls have come. */
class RowFeed {
  private readonly checker: HistoryChecker
  private readonly offsetMs: number
  private readonly checkouts: PageReader<CheckoutRow>
  private readonly purchases: PageReader<PurchaseRow>

  constructor(checker: HistoryChecker, pages: LedgerPages) {
    this.checker = checker
    this.offsetMs = pages.clockOffsetMs
    for (const sale of pages.sales) checker.saleRow(sale)
    this.checkouts = new PageReader(
      () => pages.nextCheckouts(),
      (row) => row.createdAtMs,
    )
    this.purchases = new PageReader(
      () => pages.nextPurchases(),
      (row) => row.purchasedAtMs ?? -Infinity,
    )
  }

  /** Adds every row that was written before `untilMs` by the clock of the calls. */
  async feed(untilMs: number): Promise<void> {
    const rowMs = untilMs + this.offsetMs
    for (let row = await this.checkouts.next(rowMs); row !== undefined; ) {
      this.checker.checkoutRow(onOurClock(row, this.offsetMs))
      row = await this.checkouts.next(rowMs)
    }
    for (let row = await this.purchases.next(rowMs); row !== undefined; ) {
      this.checker.purchaseRow(row)
      row = await this.purchases.next(rowMs)
    }
  }
}

/** Takes rows one at a time from pages in the order of time. */
class PageReader<Row> {
  private readonly nextPage: () => Promise<readonly Row[]>
  private readonly timeOf: (row: Row) => number
  private page: readonly Row[] = []
  private index = 0
  private isOver = false

  constructor(nextPage: () => Promise<readonly Row[]>, timeOf: (row: Row) => number) {
    this.nextPage = nextPage
    this.timeOf = timeOf
  }

  /** The next row if it was written before `untilMs`. */
  async next(untilMs: number): Promise<Row | undefined> {
    if (this.index === this.page.length && !this.isOver) {
      this.page = await this.nextPage()
      this.index = 0
      this.isOver = this.page.length === 0
    }
    const row = this.page[this.index]
    if (row === undefined || this.timeOf(row) >= untilMs) return undefined
    this.index++
    return row
  }
}
