/**
 * Every fault that this package reports by throwing. Match on the code, never on the text.
 *
 * | code | means | retryable |
 * | --- | --- | --- |
 * | `LOADGEN_OPTION_INVALID` | an option is missing, unknown or out of bounds | no |
 * | `LOADGEN_TARGET_UNREACHABLE` | nothing answered at the target's address before the run began | yes |
 * | `LOADGEN_SALE_MALFORMED` | `GET /sale` was answered, but not with a sale, and no option replaces it | no |
 * | `LOADGEN_HISTORY_MALFORMED` | a file of acknowledged answers cannot be read or has a broken line | no |
 * | `LOADGEN_REPORT_MALFORMED` | a report cannot be read, is of another version, or is damaged | no |
 * | `LOADGEN_LEDGER_UNAVAILABLE` | the database cannot be read | yes |
 * | `LOADGEN_PG_MISSING` | a ledger was asked for and the optional peer `pg` is not installed | no |
 * | `LOADGEN_SCENARIO_INVALID` | a scenario cannot be loaded, or threw something | no |
 * | `LOADGEN_WORKER_REFUSED` | a worker refused the token, the version or the scenario | no |
 * | `LOADGEN_WORKER_UNREACHABLE` | nothing answers at a worker's address | yes |
 */
export type LoadgenErrorCode =
  | 'LOADGEN_OPTION_INVALID'
  | 'LOADGEN_TARGET_UNREACHABLE'
  | 'LOADGEN_SALE_MALFORMED'
  | 'LOADGEN_HISTORY_MALFORMED'
  | 'LOADGEN_REPORT_MALFORMED'
  | 'LOADGEN_LEDGER_UNAVAILABLE'
  | 'LOADGEN_PG_MISSING'
  | 'LOADGEN_SCENARIO_INVALID'
  | 'LOADGEN_WORKER_REFUSED'
  | 'LOADGEN_WORKER_UNREACHABLE'

const RETRYABLE: ReadonlySet<LoadgenErrorCode> = new Set([
  'LOADGEN_TARGET_UNREACHABLE',
  'LOADGEN_LEDGER_UNAVAILABLE',
  'LOADGEN_WORKER_UNREACHABLE',
])

/**
 * A fault of the load generator: `code` is stable, `cause` the underlying error, `retryable`
 * whether to try again.
 */
export class LoadgenError extends Error {
  readonly code: LoadgenErrorCode
  readonly retryable: boolean

  constructor(code: LoadgenErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'LoadgenError'
    this.code = code
    this.retryable = RETRYABLE.has(code)
  }
}
