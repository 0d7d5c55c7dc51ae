import type { BatchRow, BatchStatement } from './batch-statement.ts'
import { BatchWriter } from './batch-writer.ts'
import type { BatchWriterOptions } from './batch-writer-options.ts'
import { CodeColumn, type CodeWords, SafeIntegerColumn } from './binary-array.ts'

/** A cancel to make durable. */
export interface CancelRow extends BatchRow, CodeWords {
  readonly saleId: number
}

/** Makes cancels durable. `foreign`: the code has bought its item; `missing`: no such checkout. */
export class CancelWriter extends BatchWriter<CancelRow> {
  constructor(options: BatchWriterOptions) {
    super(options, cancelStatement())
  }
}

function cancelStatement(): BatchStatement<CancelRow> {
  const sales = new SafeIntegerColumn<CancelRow>((row) => row.saleId)
  const codes = new CodeColumn()
  return {
    name: 'megacache_record_cancels',
    text: 'select megacache_record_cancels($1, $2, $3)',
    // Setting what is set already changes nothing, so one form serves both.
    encode: (epoch, rows) => [epoch, sales.encode(rows), codes.encode(rows)],
  }
}
