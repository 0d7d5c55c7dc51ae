import type { SqlClient } from './sql-client.ts'

/** What can be wrong with the rows of a sale (migrations/0005_verify.sql says each exactly). */
export type InconsistencyKind =
  | 'sale_unknown'
  | 'purchase_without_checkout'
  | 'purchase_differs_from_checkout'
  | 'purchase_of_cancelled_checkout'
  | 'item_bought_twice'
  | 'code_bought_twice'
  | 'user_above_limit'
  | 'ordinal_above_limit'
  | 'ordinal_repeated'
  | 'item_out_of_range'
  | 'more_purchases_than_items'
  | 'reservations_overlap'
  | 'user_above_limit_at_once'
  | 'reservation_too_long'

/** One contradiction with the values that show it. */
export interface Inconsistency {
  readonly kind: InconsistencyKind
  readonly evidence: Readonly<Record<string, unknown>>
}

/**
 * Compares the checkouts, purchases and terms of a sale and lists every inconsistency; an empty
 * list is a sale in order. Reads one snapshot, so it may run beside a live sale.
 */
export async function verifySale(client: SqlClient, saleId: number): Promise<Inconsistency[]> {
  const { rows } = await client.query<Inconsistency>(
    'select kind, evidence from megacache_verify_sale($1)', [saleId])
  return rows
}
