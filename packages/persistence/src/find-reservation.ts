import type { SqlClient } from './sql-client.ts'

/** What the database knows of a checkout code. Times are Unix ms on its clock. */
export type DurableReservation =
  | { readonly state: 'unknown' }
  | {
    readonly state: 'reserved' | 'expired' | 'cancelled' | 'purchased'
    readonly saleId: number
    readonly itemId: number
    readonly userId: string
    readonly expiresAtMs: number
  }

/**
 * The durable state of a code (UUID text) of any sale that is kept; with `saleId` only that sale is
 * looked at, which is one look-up instead of one a sale. A purchase that is in doubt or in memory
 * only is not seen: ask the inventory first.
 */
export async function findReservation(
  client: SqlClient, code: string, options: { readonly saleId?: number } = {},
): Promise<DurableReservation> {
  const { rows } = await client.query<Exclude<DurableReservation, { state: 'unknown' }>>(
    `select case
         when p.code is not null then 'purchased'
         when c.cancelled_at is not null then 'cancelled'
         when c.expires_at <= clock_timestamp() then 'expired'
         else 'reserved' end as state,
       s.sale_id::float8 as "saleId", c.item_id as "itemId", c.user_id::text as "userId",
       (extract(epoch from c.expires_at) * 1000)::float8 as "expiresAtMs"
     from sales s
     cross join lateral (select * from checkouts c where c.sale_id = s.sale_id and c.code = $1) as c
     left join lateral (
       select p.code from purchases p where p.sale_id = s.sale_id and p.item_id = c.item_id and p.code = c.code
     ) as p on true
     where $2::bigint is null or s.sale_id = $2
     order by s.sale_id desc limit 1`, [code, options.saleId ?? null])
  return rows[0] ?? { state: 'unknown' }
}
