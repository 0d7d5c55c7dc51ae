import { PersistenceError } from './persistence-error.ts'
import type { SqlClient } from './sql-client.ts'

/** What a sale promised when it was first created; never changed afterwards. Times are Unix ms. */
export interface SaleTerms {
  readonly saleId: number
  readonly startsAtMs: number
  readonly endsAtMs: number
  readonly itemCount: number
  readonly userLimit: number
  readonly reservationTtlMs: number
}

/** The columns of `sales` as terms; bigint and timestamps come as doubles, exact far beyond our dates. */
export const TERMS_COLUMNS = `
  sale_id::float8 as "saleId",
  (extract(epoch from starts_at) * 1000)::float8 as "startsAtMs",
  (extract(epoch from ends_at) * 1000)::float8 as "endsAtMs",
  item_count as "itemCount", user_limit as "userLimit", reservation_ttl_ms as "reservationTtlMs"`

/**
 * Creates the sale and its partitions unless they exist. Returns the terms as stored: the first
 * creation wins, so a caller with other settings learns what holds. Needs the present lease epoch;
 * rejects with `fenced` (having written nothing) when it has moved on. May run beside live batches.
 */
export async function ensureSale(
  client: SqlClient, terms: SaleTerms & { readonly epoch: number },
): Promise<SaleTerms> {
  const { rows } = await client.query<SaleTerms>(
    `select ${TERMS_COLUMNS} from megacache_ensure_sale(
      $1, $2, to_timestamp($3::float8 / 1000), to_timestamp($4::float8 / 1000), $5, $6, $7)`,
    [terms.epoch, terms.saleId, terms.startsAtMs, terms.endsAtMs, terms.itemCount, terms.userLimit,
      terms.reservationTtlMs])
  const stored = rows[0]
  if (stored === undefined) {
    throw new PersistenceError('fenced', `epoch ${terms.epoch} is over: another instance is active`)
  }
  return stored
}

/** The terms of one sale, or undefined when there is no such sale (any more). */
export async function saleTerms(client: SqlClient, saleId: number): Promise<SaleTerms | undefined> {
  const { rows } = await client.query<SaleTerms>(
    `select ${TERMS_COLUMNS} from sales where sale_id = $1`, [saleId])
  return rows[0]
}

/**
 * The sale that is open at `nowMs` (Unix ms), else the last one that was, else undefined. A start
 * with other settings keeps to its end.
 */
export async function currentOrLatestSale(client: SqlClient, nowMs: number): Promise<SaleTerms | undefined> {
  const { rows } = await client.query<SaleTerms>(
    `select ${TERMS_COLUMNS} from sales where starts_at <= to_timestamp($1::float8 / 1000)
     order by sale_id desc limit 1`, [nowMs])
  return rows[0]
}
