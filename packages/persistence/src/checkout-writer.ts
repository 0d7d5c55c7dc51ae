import type { BatchRow, BatchStatement } from './batch-statement.ts'
import { BatchWriter } from './batch-writer.ts'
import type { BatchWriterOptions } from './batch-writer-options.ts'
import {
  CodeColumn, type CodeWords, Int32Column, SafeIntegerColumn, TimeColumn, UserColumn, type UserWords,
} from './binary-array.ts'

/** A reservation to make durable. The caller's own request object will do. */
export interface CheckoutRow extends BatchRow, UserWords, CodeWords {
  readonly saleId: number
  readonly itemId: number
  /** Unix milliseconds on the database's clock, fractions allowed. */
  readonly expiresAtMs: number
}

/** Makes reservations durable. Outcomes: all but `limit` and `missing`. */
export class CheckoutWriter extends BatchWriter<CheckoutRow> {
  constructor(options: BatchWriterOptions) {
    super(options, checkoutStatement())
  }
}

function checkoutStatement(): BatchStatement<CheckoutRow> {
  const sales = new SafeIntegerColumn<CheckoutRow>((row) => row.saleId)
  const codes = new CodeColumn()
  const items = new Int32Column<CheckoutRow>((row) => row.itemId)
  const users = new UserColumn()
  const expiries = new TimeColumn<CheckoutRow>((row) => row.expiresAtMs)
  return {
    name: 'megacache_record_checkouts',
    text: 'select megacache_record_checkouts($1, $2, $3, $4, $5, $6, $7)',
    encode: (epoch, rows, isAgain) => [
      epoch, sales.encode(rows), codes.encode(rows), items.encode(rows), users.encode(rows),
      expiries.encode(rows), isAgain ? 'true' : 'false',
    ],
  }
}
