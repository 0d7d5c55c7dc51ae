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

/** The terms as stored. */
export interface EnsuredSale extends SaleTerms {
  /** Whether they were stored now: a sale that was there before may have rows. */
  readonly isNew: boolean
}

/**
 * Creates the sale and its partitions unless they exist. Returns the terms as stored: the first
 * creation wins, so a caller with other settings learns what holds. Needs the present lease epoch;
 * rejects with `fenced` (having written nothing) when it has moved on, and with the server's error 55000 when
 * the sale begins more than two periods and a minute ahead of the database's clock. May run beside live batches.
 */
export async function ensureSale(
  client: SqlClient, terms: SaleTerms & { readonly epoch: number },
): Promise<EnsuredSale> {
  const { rows } = await client.query<EnsuredSale>(
    `select ${TERMS_COLUMNS}, is_new as "isNew" from megacache_ensure_sale(
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
 * The newest sale that has begun by the database's clock or has given a reservation; undefined when there is none. No older
 * one may be opened again, whatever a clock says.
 */
export async function newestOpenedSale(client: SqlClient): Promise<SaleTerms | undefined> {
  const { rows } = await client.query<SaleTerms>(
    `select ${TERMS_COLUMNS} from sales s
     where starts_at <= clock_timestamp() or exists (select 1 from checkouts c where c.sale_id = s.sale_id)
     order by sale_id desc limit 1`)
  return rows[0]
}
