/**
 * How many durable rows a second does one writer on one connection give, and what part of that does a
 * plain `insert ... unnest` into a bare table give in the same run?
 *
 *   node --conditions=@megacache/source bench/rows-per-second.bench.ts [rows-per-leg] [pairs] [batch-rows]
 *
 * Fully durable embedded PostgreSQL, A-B-A-B, medians. The bar (P5) is 150,000 rows a
 * second in batches of 128 on a quiet machine; on a shared one the ratio to the bare table is what counts.
 */
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CodeColumn, Int32Column, SafeIntegerColumn, TimeColumn, UserColumn } from '../src/binary-array.ts'
import { startEmbedded } from '../src/embedded.ts'
import {
  type CheckoutRow, CheckoutWriter, type PurchaseRow, PurchaseWriter, type Session,
  createSession, migrate, openClient,
} from '../src/index.ts'

const SALE = 1_800_000_000

export interface RowsPerSecondOptions {
  readonly connection: string
  readonly rows: number
  readonly pairs: number
  readonly batchRows: number
  /** Further days with sales, so that the partitioned tables have more partitions. */
  readonly pastDays: number
}

export interface RowsPerSecond {
  readonly bare: number
  readonly checkouts: number
  readonly purchases: number
}

/** Medians over the pairs, in rows per second. */
export async function rowsPerSecond(options: RowsPerSecondOptions): Promise<RowsPerSecond> {
  const { connection } = options
  await migrate(connection)
  const client = await openClient(connection)
  const session = createSession({ connection, applicationName: 'megacache/0/bench' })
  await session.connected(5_000)
  try {
    for (let day = 0; day <= options.pastDays; day += 1) {
      await client.query(`select megacache_ensure_sale(0, $1, now(), now() + interval '1 hour', 1000000, 10, 60000)`,
        [SALE - 86_400 * day])
    }
    await client.query(`create table if not exists bare (sale_id bigint, code uuid, item_id integer, user_id bigint,
      created_at timestamptz, expires_at timestamptz, cancelled_at timestamptz, primary key (sale_id, code))`)
    const legs: Record<keyof RowsPerSecond, number[]> = { bare: [], checkouts: [], purchases: [] }
    for (let pair = 0; pair <= options.pairs; pair += 1) {
      await client.query('truncate bare, checkouts, purchases')
      const figures = {
        bare: await timeBare(session, options),
        checkouts: await timeWriter(new CheckoutWriter({ session, epoch: 0, batchRowsMax: options.batchRows }), options),
        purchases: await timeWriter(new PurchaseWriter({ session, epoch: 0, batchRowsMax: options.batchRows }), options),
      }
      // The first round warms both sides up.
      if (pair > 0) for (const leg of ['bare', 'checkouts', 'purchases'] as const) legs[leg].push(figures[leg])
    }
    return { bare: median(legs.bare), checkouts: median(legs.checkouts), purchases: median(legs.purchases) }
  } finally {
    await session.close()
    await client.end()
  }
}

function makeRow(item: number, settled: () => void): CheckoutRow & PurchaseRow {
  const code = randomBytes(16)
  return {
    saleId: SALE, itemId: item, userLow: Math.floor(item / 10), userHigh: 0,
    codeWord0: code.readInt32BE(0), codeWord1: code.readInt32BE(4), codeWord2: code.readInt32BE(8),
    codeWord3: code.readInt32BE(12), expiresAtMs: Date.now() + 60_000, settle: settled,
  }
}

/** Keeps two batches' worth of rows submitted, as a busy server does. */
async function timeWriter(
  writer: { submit(row: CheckoutRow & PurchaseRow): boolean }, options: RowsPerSecondOptions,
): Promise<number> {
  let settled = 0
  let refill: (() => void) | undefined
  const rows = Array.from({ length: options.rows }, (_, item) => makeRow(item, () => {
    settled += 1
    refill?.()
  }))
  let next = 0
  const startedMs = performance.now()
  await new Promise<void>((done) => {
    refill = () => {
      while (next < rows.length && next - settled < 2 * options.batchRows) {
        const row = rows[next]
        if (row !== undefined) writer.submit(row)
        next += 1
      }
      if (settled === rows.length) done()
    }
    refill()
  })
  return options.rows / (performance.now() - startedMs) * 1_000
}

/** The floor: the same columns and encoding into a table without lease, partitions or checks. */
async function timeBare(session: Session, options: RowsPerSecondOptions): Promise<number> {
  const rows = Array.from({ length: options.rows }, (_, item) => makeRow(item, () => {}))
  const sales = new SafeIntegerColumn<CheckoutRow>((row) => row.saleId)
  const codes = new CodeColumn()
  const items = new Int32Column<CheckoutRow>((row) => row.itemId)
  const users = new UserColumn()
  const expiries = new TimeColumn<CheckoutRow>((row) => row.expiresAtMs)
  const text = `insert into bare (sale_id, code, item_id, user_id, created_at, expires_at)
    select s, c, i, u, now(), e from unnest($1::bigint[], $2::uuid[], $3::integer[], $4::bigint[], $5::timestamptz[])
      as b(s, c, i, u, e)`
  const startedMs = performance.now()
  for (let at = 0; at < rows.length; at += options.batchRows) {
    const batch = rows.slice(at, at + options.batchRows)
    await session.query('bench_bare', text, [
      sales.encode(batch), codes.encode(batch), items.encode(batch), users.encode(batch), expiries.encode(batch)])
  }
  return options.rows / (performance.now() - startedMs) * 1_000
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

async function main(): Promise<void> {
  const [rows = 50_000, pairs = 7, batchRows = 128, pastDays = 30] = process.argv.slice(2).map(Number)
  const directory = await mkdtemp(join(tmpdir(), 'megacache-bench-'))
  // Run as root, the unprivileged account must reach it.
  await chmod(directory, 0o755)
  const server = await startEmbedded({ dataDir: directory })
  try {
    const result = await rowsPerSecond({ connection: server.url, rows, pairs, batchRows, pastDays })
    const ratio = (part: number): string => (part / result.bare).toFixed(2)
    console.log(`${pairs} pairs of ${rows} rows in batches of ${batchRows}, ${pastDays} past days, Node ${process.version}`)
    console.log(`bare table ${Math.round(result.bare)} rows/s`)
    console.log(`checkouts  ${Math.round(result.checkouts)} rows/s, ${ratio(result.checkouts)} of the bare table`)
    console.log(`purchases  ${Math.round(result.purchases)} rows/s, ${ratio(result.purchases)} of the bare table`)
  } finally {
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

if (import.meta.main) await main()
