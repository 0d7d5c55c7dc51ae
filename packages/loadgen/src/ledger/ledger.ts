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
}

/** All rows of the sales in question, read at one instant. */
export interface Ledger {
  readonly sales: readonly SaleRow[]
  readonly checkouts: readonly CheckoutRow[]
  readonly purchases: readonly PurchaseRow[]
  /** The database's clock minus the clock that the calls were recorded with, in milliseconds. */
  readonly clockOffsetMs: number
}

/** Where rows come from; PostgreSQL is one. */
export interface LedgerSource {
  /**
   * Reads every row of the given sales in one snapshot.
   *
   * @throws LoadgenError `LOADGEN_LEDGER_UNAVAILABLE` or `LOADGEN_PG_MISSING`.
   */
  read(saleIds: readonly number[]): Promise<Ledger>
}
