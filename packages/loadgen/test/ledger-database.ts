import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { FakeCheckout, FakePurchase, FakeStore } from './fake-inventory.ts'

/**
 * The ledger's columns as the service names them, without its constraints, so that a liar can
 * write what it likes.
 */
const SCHEMA = `
  create schema megacache;
  create table sales (sale_id bigint, starts_at timestamptz, ends_at timestamptz, item_count integer, user_limit integer);
  create table checkouts (code uuid, sale_id bigint, item_id integer, user_id bigint,
    created_at timestamptz, expires_at timestamptz, cancelled_at timestamptz);
  create table purchases (sale_id bigint, item_id integer, user_id bigint, code uuid, purchased_at timestamptz)`

const INSERT_CHECKOUTS = `
  insert into checkouts (code, sale_id, item_id, user_id, created_at, expires_at)
  select code, "saleId", "itemId", "userId", to_timestamp("createdAtMs" / 1000), to_timestamp("expiresAtMs" / 1000)
  from json_to_recordset($1) as r(code uuid, "saleId" bigint, "itemId" integer, "userId" bigint,
    "createdAtMs" float8, "expiresAtMs" float8)`

const INSERT_PURCHASES = `
  insert into purchases (sale_id, item_id, user_id, code, purchased_at)
  select "saleId", "itemId", "userId", code, now()
  from json_to_recordset($1) as r("saleId" bigint, "itemId" integer, "userId" bigint, code uuid)`

/** A database of its own for one test file, with the ledger's tables. */
export interface LedgerDatabase extends FakeStore {
  readonly url: string
  clear(): Promise<void>
  /** Deletes one purchase, as if it had never been durable. */
  forgetPurchase(): Promise<void>
  drop(): Promise<void>
}

export async function createLedgerDatabase(clusterUrl: string): Promise<LedgerDatabase> {
  const name = `loadgen_${randomBytes(6).toString('hex')}`
  await inSession(clusterUrl, (admin) => admin.query(`create database ${name}`))
  const url = new URL(clusterUrl)
  url.pathname = `/${name}`
  const client = new pg.Pool({ connectionString: url.href, max: 3, options: '-c search_path=megacache' })
  await client.query(SCHEMA)
  const checkouts = batched<FakeCheckout>((rows) =>
    client.query(INSERT_CHECKOUTS, [JSON.stringify(rows)]),
  )
  const purchases = batched<FakePurchase>((rows) =>
    client.query(INSERT_PURCHASES, [JSON.stringify(rows)]),
  )
  const cancels = batched<string>((codes) =>
    client.query('update checkouts set cancelled_at = clock_timestamp() where code = any($1::uuid[])', [codes]),
  )
  return {
    url: url.href,
    sale: async (saleId, items, userLimit) => {
      await client.query('insert into sales values ($1::bigint, now(), now(), $2, $3)', [
        saleId,
        items,
        userLimit,
      ])
    },
    checkout: checkouts,
    purchase: purchases,
    cancel: cancels,
    clear: async () => {
      await client.query('truncate sales, checkouts, purchases')
    },
    forgetPurchase: async () => {
      await client.query(
        'delete from purchases where ctid in (select ctid from purchases limit 1)',
      )
    },
    drop: async () => {
      await client.end()
      await inSession(clusterUrl, (admin) => admin.query(`drop database ${name}`))
    },
  }
}

async function inSession(url: string, run: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  try {
    await run(admin)
  } finally {
    await admin.end()
  }
}

/** Writes rows in batches: at once when idle, and what gathers meanwhile next. */
function batched<Row>(
  write: (rows: readonly Row[]) => Promise<unknown>,
): (row: Row) => Promise<void> {
  let waiting: Row[] = []
  let current: Promise<void> | undefined
  let following: Promise<void> | undefined
  const flush = async (): Promise<void> => {
    const rows = waiting
    waiting = []
    await write(rows)
  }
  return (row) => {
    waiting.push(row)
    if (current === undefined) {
      current = flush().finally(() => {
        current = undefined
      })
      return current
    }
    following ??= current.then(() => {
      following = undefined
      current = flush().finally(() => {
        current = undefined
      })
      return current
    })
    return following
  }
}
