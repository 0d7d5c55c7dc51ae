import type { Client } from 'pg'
import { LoadgenError } from '../loadgen-error.ts'
import { withoutSecret } from '../target-address.ts'
import type {
  CheckoutRow,
  Ledger,
  LedgerPages,
  LedgerSource,
  PurchaseRow,
  SaleRow,
} from './ledger.ts'

/** Longest wait for the connection and for one statement, in milliseconds. */
const STATEMENT_MAX_MS = 600_000
const CONNECT_MAX_MS = 60_000
/** Rows fetched at once: a few hundred kilobytes. */
const PAGE_ROWS = 5_000

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
  from checkouts where sale_id = any($1::bigint[])
  order by created_at`

/**
 * Also the purchases whose code was given in one of these sales but which were written into
 * another.
 */
const PURCHASES = `
  select sale_id::float8 as "saleId", item_id::float8 as "itemId",
    user_id::text as "userId", code::text as code,
    extract(epoch from purchased_at)::float8 * 1000 as "purchasedAtMs"
  from purchases
  where sale_id = any($1::bigint[])
    or code in (select code from checkouts where sale_id = any($1::bigint[]))
  order by purchased_at`

/** What may be set for {@link postgresLedger}. */
export interface PostgresLedgerOptions {
  /** Rows held in memory at once of each table; default 5000, 1 to 1000000. */
  readonly pageRows?: number
}

/**
 * The ledger of the service's own PostgreSQL schema: tables `sales`, `checkouts` and `purchases`.
 * Reads only, through cursors in one repeatable-read transaction on a connection of its own, which is
 * closed afterwards. Needs the optional peer `pg`.
 *
 * @param url connection string, `postgres://user:password@host:port/database`.
 */
export function postgresLedger(url: string, options: PostgresLedgerOptions = {}): LedgerSource {
  const { pageRows = PAGE_ROWS } = options
  if (!Number.isSafeInteger(pageRows) || pageRows < 1 || pageRows > 1_000_000) {
    throw new LoadgenError('LOADGEN_OPTION_INVALID', 'pageRows must be from 1 to 1000000')
  }
  const readPages: LedgerSource['readPages'] = (saleIds, use) =>
    withPages(url, pageRows, saleIds, use)
  return { read: (saleIds) => readPages(saleIds, readWhole), readPages }
}

async function readWhole(pages: LedgerPages): Promise<Ledger> {
  const { sales, clockOffsetMs } = pages
  return {
    sales,
    checkouts: await allOf(() => pages.nextCheckouts()),
    purchases: await allOf(() => pages.nextPurchases()),
    clockOffsetMs,
  }
}

async function allOf<Row>(next: () => Promise<readonly Row[]>): Promise<Row[]> {
  const pages: (readonly Row[])[] = []
  for (let page = await next(); page.length > 0; page = await next()) pages.push(page)
  return pages.flat()
}

async function withPages<Result>(
  url: string,
  pageRows: number,
  saleIds: readonly number[],
  use: (pages: LedgerPages) => Promise<Result>,
): Promise<Result> {
  const client = await connect(url)
  try {
    const pages = await reading(() => openPages(client, pageRows, saleIds))
    return await use(pages)
  } finally {
    await client.end().catch(() => {})
  }
}

async function connect(url: string): Promise<Client> {
  const { default: pg } = await import('pg').catch((cause: unknown) => {
    throw new LoadgenError(
      'LOADGEN_PG_MISSING',
      'comparing with PostgreSQL needs the package pg: npm install pg',
      cause,
    )
  })
  return reading(async () => {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_MAX_MS,
      query_timeout: STATEMENT_MAX_MS,
      application_name: 'megacache-loadgen',
    })
    // Without a listener a connection that breaks while idle would end the process.
    client.on('error', () => {})
    try {
      await client.connect()
      // Where megacache keeps its tables unless DATABASE_SCHEMA says otherwise.
      await client.query('set search_path = megacache, pg_temp')
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
    return client
  })
}

async function openPages(
  client: Client,
  pageRows: number,
  saleIds: readonly number[],
): Promise<LedgerPages> {
  await client.query('begin isolation level repeatable read read only')
  const clockOffsetMs = await readClockOffset(async () => {
    const answer = await client.query<{ nowMs: number }>(
      'select extract(epoch from clock_timestamp())::float8 * 1000 as "nowMs"',
    )
    return answer.rows[0]?.nowMs ?? Number.NaN
  })
  const sales = await client.query<SaleRow>(SALES, [saleIds])
  await client.query(`declare checkout_rows no scroll cursor for ${CHECKOUTS}`, [saleIds])
  await client.query(`declare purchase_rows no scroll cursor for ${PURCHASES}`, [saleIds])
  return {
    sales: sales.rows,
    clockOffsetMs,
    nextCheckouts: () =>
      reading(async () => {
        const page = await client.query<CheckoutRow & { cancelledAtMs: number | null }>(
          `fetch ${pageRows} from checkout_rows`,
        )
        return page.rows.map((row) =>
          Object.assign(row, { cancelledAtMs: row.cancelledAtMs ?? undefined }),
        )
      }),
    nextPurchases: () =>
      reading(async () => {
        const page = await client.query<PurchaseRow>(`fetch ${pageRows} from purchase_rows`)
        return page.rows
      }),
  }
}

/** Turns what PostgreSQL or its driver says into a fault with a code. */
async function reading<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof LoadgenError) throw error
    const text = withoutSecret(error instanceof Error ? error.message : String(error))
    throw new LoadgenError('LOADGEN_LEDGER_UNAVAILABLE', `cannot read the ledger: ${text}`, error)
  }
}

/** The database's clock minus ours, taken at the middle of the round trip. */
async function readClockOffset(readDatabaseMs: () => Promise<number>): Promise<number> {
  const beforeMs = Date.now()
  const databaseMs = await readDatabaseMs()
  return databaseMs - (beforeMs + Date.now()) / 2
}
