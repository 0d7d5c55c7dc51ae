import { LoadgenError } from '../loadgen-error.ts'
import type { CheckoutRow, Ledger, LedgerSource, PurchaseRow, SaleRow } from './ledger.ts'

/** Longest wait for the connection and for one statement, in milliseconds. */
const STATEMENT_MAX_MS = 60_000

const SALES = `
  select sale_id::float8 as "saleId",
    item_count::float8 as "itemCount", user_limit::float8 as "userLimit"
  from sales where sale_id = any($1::bigint[])`

const CHECKOUTS = `
  select code::text as code, sale_id::float8 as "saleId", item_id::float8 as "itemId",
    user_id::text as "userId",
    extract(epoch from created_at)::float8 * 1000 as "createdAtMs",
    extract(epoch from expires_at)::float8 * 1000 as "expiresAtMs",
    extract(epoch from cancelled_at)::float8 * 1000 as "cancelledAtMs"
  from checkouts where sale_id = any($1::bigint[])`

/**
 * Also the purchases whose code was given in one of these sales but which were written into
 * another.
 */
const PURCHASES = `
  select sale_id::float8 as "saleId", item_id::float8 as "itemId",
    user_id::text as "userId", code::text as code
  from purchases
  where sale_id = any($1::bigint[])
    or code in (select code from checkouts where sale_id = any($1::bigint[]))`

/**
 * The ledger of the service's own PostgreSQL schema: tables `sales`, `checkouts` and `purchases`.
 * Reads only, in one repeatable-read transaction on a connection of its own, which is closed
 * afterwards. Needs the optional peer `pg`.
 *
 * @param url connection string, `postgres://user:password@host:port/database`.
 */
export function postgresLedger(url: string): LedgerSource {
  return { read: (saleIds) => readLedger(url, saleIds) }
}

async function readLedger(url: string, saleIds: readonly number[]): Promise<Ledger> {
  const { default: pg } = await import('pg').catch((cause: unknown) => {
    throw new LoadgenError(
      'LOADGEN_PG_MISSING',
      'comparing with PostgreSQL needs the package pg: npm install pg',
      cause,
    )
  })
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: STATEMENT_MAX_MS,
    query_timeout: STATEMENT_MAX_MS,
    application_name: 'megacache-loadgen',
  })
  // Without a listener a connection that breaks while idle would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('begin isolation level repeatable read read only')
    const clockOffsetMs = await readClockOffset(async () => {
      const answer = await client.query<{ nowMs: number }>(
        'select extract(epoch from clock_timestamp())::float8 * 1000 as "nowMs"',
      )
      return answer.rows[0]?.nowMs ?? Number.NaN
    })
    const sales = await client.query<SaleRow>(SALES, [saleIds])
    const checkouts = await client.query<CheckoutRow & { cancelledAtMs: number | null }>(
      CHECKOUTS,
      [saleIds],
    )
    const purchases = await client.query<PurchaseRow>(PURCHASES, [saleIds])
    return {
      sales: sales.rows,
      checkouts: checkouts.rows.map((row) =>
        Object.assign(row, { cancelledAtMs: row.cancelledAtMs ?? undefined }),
      ),
      purchases: purchases.rows,
      clockOffsetMs,
    }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    throw new LoadgenError('LOADGEN_LEDGER_UNAVAILABLE', `cannot read the ledger: ${text}`, error)
  } finally {
    await client.end().catch(() => {})
  }
}

/** The database's clock minus ours, taken at the middle of the round trip. */
async function readClockOffset(readDatabaseMs: () => Promise<number>): Promise<number> {
  const beforeMs = Date.now()
  const databaseMs = await readDatabaseMs()
  return databaseMs - (beforeMs + Date.now()) / 2
}
