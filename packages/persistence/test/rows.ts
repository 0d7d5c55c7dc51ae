import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import type { CancelRow, CheckoutRow, Outcome } from '../src/index.ts'

export const SALE = 1_700_000_000

/** A row with everything that any writer reads, which remembers its outcome. */
export class TestRow implements CheckoutRow, CancelRow {
  readonly saleId: number
  readonly itemId: number
  readonly userLow: number
  readonly userHigh: number
  readonly codeWord0: number
  readonly codeWord1: number
  readonly codeWord2: number
  readonly codeWord3: number
  readonly expiresAtMs: number
  readonly outcomes: Outcome[] = []

  constructor(values: { sale?: number, item: number, user: bigint, code?: string, expiresAtMs?: number }) {
    this.saleId = values.sale ?? SALE
    this.itemId = values.item
    this.userLow = Number(BigInt.asIntN(32, values.user))
    this.userHigh = Number(BigInt.asIntN(32, values.user >> 32n))
    const bytes = Buffer.from((values.code ?? newCode()).replaceAll('-', ''), 'hex')
    this.codeWord0 = bytes.readInt32BE(0)
    this.codeWord1 = bytes.readInt32BE(4)
    this.codeWord2 = bytes.readInt32BE(8)
    this.codeWord3 = bytes.readInt32BE(12)
    this.expiresAtMs = values.expiresAtMs ?? Date.now() + 60_000
  }

  /** The code as PostgreSQL prints it. */
  get code(): string {
    const bytes = Buffer.alloc(16)
    bytes.writeInt32BE(this.codeWord0, 0)
    bytes.writeInt32BE(this.codeWord1, 4)
    bytes.writeInt32BE(this.codeWord2, 8)
    bytes.writeInt32BE(this.codeWord3, 12)
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }

  settle(outcome: Outcome): void {
    this.outcomes.push(outcome)
  }
}

export function newCode(): string {
  return randomBytes(16).toString('hex')
}

/** Makes a sale of 10,000 items and a limit of 10 for the present epoch, and empties all sales. */
export async function freshSale(client: pg.Client, sale: number = SALE): Promise<void> {
  await client.query(`
    select megacache_ensure_sale((select epoch from lease), $1, now(), now() + interval '1 hour', 10000, 10, 60000)`,
  [sale])
  await client.query('truncate purchases, checkouts')
}

/** The outcomes of rows in their order, each of which must have settled exactly once. */
export function outcomes(rows: readonly TestRow[]): Outcome[] {
  return rows.map((row) => {
    const [outcome] = row.outcomes
    if (outcome === undefined || row.outcomes.length !== 1) {
      throw new Error(`a row settled ${row.outcomes.length} times: ${row.outcomes.join(', ')}`)
    }
    return outcome
  })
}

/** Submits all rows, none of which may be refused, and waits for them. */
export async function write(
  writer: { submit(row: TestRow): boolean, flushed(): Promise<void> }, rows: readonly TestRow[],
): Promise<Outcome[]> {
  for (const row of rows) if (!writer.submit(row)) throw new Error('a row was refused')
  await writer.flushed()
  return outcomes(rows)
}
