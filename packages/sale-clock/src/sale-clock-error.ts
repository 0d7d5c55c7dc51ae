/**
 * What can go wrong with the clock itself; match on `code`. Errors of the callbacks are never
 * wrapped: they go to `onError` as they are.
 *
 * | code | when | retryable |
 * | --- | --- | --- |
 * | `ERR_SALE_CLOCK_STOPPED` | `stop()` was called before `start()` had resolved | no |
 * | `ERR_SALE_CLOCK_STARTED` | `start()` was called a second time | no |
 * | `ERR_SALE_CLOCK_NOT_OPEN` | `current()` was called before the first sale opened | yes, later |
 */
export type SaleClockErrorCode =
  'ERR_SALE_CLOCK_STOPPED' | 'ERR_SALE_CLOCK_STARTED' | 'ERR_SALE_CLOCK_NOT_OPEN'

const catalogue: Record<SaleClockErrorCode, { message: string; retryable: boolean }> = {
  ERR_SALE_CLOCK_STOPPED: { message: 'the sale clock was stopped', retryable: false },
  ERR_SALE_CLOCK_STARTED: { message: 'the sale clock was already started', retryable: false },
  ERR_SALE_CLOCK_NOT_OPEN: { message: 'no sale has opened yet', retryable: true },
}

/** An error of the clock itself, with a stable `code`. */
export class SaleClockError extends Error {
  override readonly name: string = 'SaleClockError'
  /** The stable name of what went wrong. */
  readonly code: SaleClockErrorCode
  /** Whether the same call can succeed later. */
  readonly retryable: boolean

  constructor(code: SaleClockErrorCode) {
    super(catalogue[code].message)
    this.code = code
    this.retryable = catalogue[code].retryable
  }
}
