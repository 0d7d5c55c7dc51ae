/** What a sale is: fixed by its row when it is first created. Times are Unix milliseconds. */
export interface SaleTerms {
  /** Start in Unix seconds. */
  readonly saleId: number
  readonly startsAtMs: number
  readonly endsAtMs: number
  readonly itemCount: number
  readonly userLimit: number
  readonly reservationTtlMs: number
}
