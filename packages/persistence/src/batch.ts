/** Rows that travel together, and what is known of them. */
export interface Batch<Row> {
  readonly rows: readonly Row[]
  /** Place of its first row in the order of submission; the others follow without a gap. */
  readonly firstSequence: number
  /** A sending whose fate is unknown came before: only an answer about each row ends it. */
  isDoubtful: boolean
  /** Rows may exist already: use the statement's form that looks at them. */
  isAgain: boolean
  attemptCount: number
  /** Monotonic time before which it is not sent. */
  notBeforeMs: number
}

/** A batch that was never sent. */
export function newBatch<Row>(rows: readonly Row[], firstSequence: number): Batch<Row> {
  return { rows, firstSequence, isDoubtful: false, isAgain: false, attemptCount: 0, notBeforeMs: 0 }
}

/** Halves a batch of at least two rows; both keep its doubt and their order. */
export function halve<Row>(batch: Batch<Row>): [Batch<Row>, Batch<Row>] {
  const middle = batch.rows.length >>> 1
  return [
    { ...batch, rows: batch.rows.slice(0, middle) },
    { ...batch, rows: batch.rows.slice(middle), firstSequence: batch.firstSequence + middle },
  ]
}
