import { isVisible, type Transaction } from './transaction.ts'

/** A value of a row as one transaction wrote it. */
interface Version<T> {
  readonly value: T
  readonly writer: Transaction
}

/** A row that is updated: its versions, newest last. Whoever writes holds the lock of the row. */
export class VersionedRow<T> {
  /** Told of each version that is written. */
  onWrite: (value: T, writer: Transaction) => void = () => {}
  #versions: readonly Version<T>[]

  constructor(value: T, writer: Transaction) {
    this.#versions = [{ value, writer }]
  }

  read(reader: Transaction, snapshot: number): T {
    const seen = this.#versions.findLast(({ writer }) => isVisible(writer, reader, snapshot))
    if (seen === undefined) throw new Error('a row without a version')
    return seen.value
  }

  write(value: T, writer: Transaction): void {
    this.onWrite(value, writer)
    const before = this.#versions
    const version = { value, writer }
    this.#versions = [...before.filter((one) => one.writer.state === 'committed').slice(-8), version]
    writer.wrote(() => { this.#versions = this.#versions.filter((one) => one !== version) })
  }
}

export interface LeaseRow {
  readonly epoch: number
  readonly holder: string | null
  readonly renewedAtMs: number | null
}

export interface SaleRow {
  readonly writer: Transaction
  readonly saleId: number
  readonly startsAtMs: number
  readonly endsAtMs: number
  readonly itemCount: number
  readonly userLimit: number
  readonly reservationTtlMs: number
  readonly honouredUntilMs: number
}

export interface CheckoutRow {
  readonly writer: Transaction
  readonly saleId: number
  readonly code: string
  readonly itemId: number
  readonly userId: string
  readonly createdAtMs: number
  readonly expiresAtMs: number
  /** Undefined while nobody has cancelled it. */
  cancelled: { readonly atMs: number, readonly writer: Transaction } | undefined
}

export interface PurchaseRow {
  readonly writer: Transaction
  readonly saleId: number
  readonly itemId: number
  readonly userId: string
  readonly ordinal: number
  readonly code: string
  readonly purchasedAtMs: number
}

/** A table with one unique key. Rows of transactions that are still running stand in it as well. */
export class Table<Row extends { readonly writer: Transaction }> {
  /** Told of each row that is written, before it is committed. */
  onInsert: (row: Row) => void = () => {}
  readonly #rows = new Map<string, Row>()

  get(key: string): Row | undefined {
    return this.#rows.get(key)
  }

  insert(key: string, row: Row): void {
    this.#rows.set(key, row)
    this.onInsert(row)
    row.writer.wrote(() => { if (this.#rows.get(key) === row) this.#rows.delete(key) })
  }

  /** The rows that a reader sees. */
  visible(reader: Transaction, snapshot: number): Row[] {
    return [...this.#rows.values()].filter((row) => isVisible(row.writer, reader, snapshot))
  }

  seen(key: string, reader: Transaction, snapshot: number): Row | undefined {
    const row = this.#rows.get(key)
    return row !== undefined && isVisible(row.writer, reader, snapshot) ? row : undefined
  }

  /** What is committed, for those who look from outside. */
  committed(): Row[] {
    return [...this.#rows.values()].filter((row) => row.writer.state === 'committed')
  }
}
