import type { BatchRow, BatchStatement } from './batch-statement.ts'
import { BatchWriter } from './batch-writer.ts'
import type { BatchWriterOptions } from './batch-writer-options.ts'
import {
  CodeColumn, type CodeWords, Int32Column, SafeIntegerColumn, UserColumn, type UserWords,
} from './binary-array.ts'

/** A purchase to make durable. */
export interface PurchaseRow extends BatchRow, UserWords, CodeWords {
  readonly saleId: number
  readonly itemId: number
}

/** Makes purchases durable: each item once, each user to the sale's limit. Outcomes: all but `missing`. */
export class PurchaseWriter extends BatchWriter<PurchaseRow> {
  constructor(options: BatchWriterOptions) {
    super(options, purchaseStatement())
  }
}

function purchaseStatement(): BatchStatement<PurchaseRow> {
  const sales = new SafeIntegerColumn<PurchaseRow>((row) => row.saleId)
  const codes = new CodeColumn()
  const items = new Int32Column<PurchaseRow>((row) => row.itemId)
  const users = new UserColumn()
  return {
    name: 'megacache_record_purchases',
    text: 'select megacache_record_purchases($1, $2, $3, $4, $5, $6)',
    encode: (epoch, rows, isAgain) => [
      epoch, sales.encode(rows), codes.encode(rows), items.encode(rows), users.encode(rows),
      isAgain ? 'true' : 'false',
    ],
  }
}
