/** A sale as the database has it. */
export interface SaleRow {
  readonly saleId: number
  readonly itemCount: number
  readonly userLimit: number
}

/** A reservation as the database has it; times are Unix milliseconds of the database's clock. */
export interface CheckoutRow {
  readonly code: string
  readonly saleId: number
  readonly itemId: number
  /** Decimal text: ids are 64 bits wide. */
  readonly userId: string
  readonly createdAtMs: number
  readonly expiresAtMs: number
  readonly cancelledAtMs: number | undefined
}

/** A purchase as the database has it. */
export interface PurchaseRow {
  readonly saleId: number
  readonly itemId: number
  readonly userId: string
  readonly code: string
  /** When it was written, on the database's clock; only pages of a ledger need it. */
  readonly purchasedAtMs?: number
}

/** All rows of the sales in question, read at one instant. */
export interface Ledger {
  readonly sales: readonly SaleRow[]
  readonly checkouts: readonly CheckoutRow[]
  readonly purchases: readonly PurchaseRow[]
  /** The database's clock minus the clock that the calls were recorded with, in milliseconds. */
  readonly clockOffsetMs: number
}

/**
 * A ledger that is read page by page, in the order in which its rows were written, all in one snapshot. A
 * reader holds one page of each table in memory at a time.
 */
export interface LedgerPages {
  readonly sales: readonly SaleRow[]
  readonly clockOffsetMs: number
  /** The next reservations by `createdAtMs`; empty at the end. */
  nextCheckouts(): Promise<readonly CheckoutRow[]>
  /** The next purchases by `purchasedAtMs`; empty at the end. */
  nextPurchases(): Promise<readonly PurchaseRow[]>
}

/** Where rows come from; PostgreSQL is one. */
export interface LedgerSource {
  /**
   * Reads every row of the given sales in one snapshot.
   *
   * @throws LoadgenError `LOADGEN_LEDGER_UNAVAILABLE` or `LOADGEN_PG_MISSING`.
   */
  read(saleIds: readonly number[]): Promise<Ledger>
  /**
   * Opens one snapshot of the given sales for `use`, which reads it page by page, and closes it afterwards.
   *
   * @throws LoadgenError as `read`, and whatever `use` throws.
   */
  readPages<Result>(
    saleIds: readonly number[],
    use: (pages: LedgerPages) => Promise<Result>,
  ): Promise<Result>
}
