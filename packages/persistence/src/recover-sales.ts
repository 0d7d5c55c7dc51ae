import { type SaleTerms, TERMS_COLUMNS } from './sale-terms.ts'
import type { SqlClient } from './sql-client.ts'

/** An item that is sold. */
export interface RecoveredPurchase {
  readonly itemId: number
  /** Decimal int64. */
  readonly userId: string
  /** Lower-case UUID text. */
  readonly code: string
}

/** A reservation that is still good. */
export interface RecoveredReservation extends RecoveredPurchase {
  /** Unix ms on the database's clock. */
  readonly expiresAtMs: number
  /** `expiresAtMs` minus the database's time of the look, between 0 and the sale's time to live. */
  readonly remainingMs: number
}

export interface RecoveredSale {
  readonly terms: SaleTerms
  readonly purchases: readonly RecoveredPurchase[]
  readonly reservations: readonly RecoveredReservation[]
}

/** How far the clock that opened a sale, or set an expiry, may be from the database's. */
const CLOCK_MARGIN_MS = 60_000

/**
 * Everything a start must know: the sale that is open and each other one that still has good
 * reservations, each with its own rows, oldest first. A sale that ended within the last minute, or
 * has not begun by the database's clock, is returned as well when it has ever given a reservation: the
 * caller's clock may see it open, and would sell its items again to memory, or see an older one open, which
 * must not be reopened. Call it after the lease was acquired, so that
 * nobody writes any more; all of it is read from one snapshot. `nowMs` replaces the database's time.
 *
 * A sold item has no reservation. Where two reservations of an item are unexpired, the older one
 * had expired in memory before the item was given again: only the one that expires last is returned.
 */
export async function recoverSales(
  client: SqlClient, options: { readonly nowMs?: number } = {},
): Promise<RecoveredSale[]> {
  await client.query('begin isolation level repeatable read read only')
  try {
    const nowMs = await readNow(client, options.nowMs)
    const candidates = await client.query<SaleTerms>(
      `select ${TERMS_COLUMNS} from sales
       where honoured_until > to_timestamp(($1::float8 - ${CLOCK_MARGIN_MS}) / 1000)
       order by sale_id`, [nowMs])
    const recovered: RecoveredSale[] = []
    for (const terms of candidates.rows) {
      const reservations = await readReservations(client, terms, nowMs)
      const purchases = await readPurchases(client, terms)
      const isNeeded = reservations.length > 0 || isOpen(terms, nowMs) ||
        (terms.endsAtMs > nowMs - CLOCK_MARGIN_MS && (purchases.length > 0 || await hasGiven(client, terms)))
      if (isNeeded) recovered.push({ terms, purchases, reservations })
    }
    return recovered
  } finally {
    // It only read; and a broken connection must not hide the error that broke it.
    await client.query('commit').catch(() => {})
  }
}

/** Everything that one sale has, from one snapshot: whoever opens a sale that was there before needs it. Times as in `recoverSales`. */
export async function recoverSale(client: SqlClient, terms: SaleTerms): Promise<RecoveredSale> {
  await client.query('begin isolation level repeatable read read only')
  try {
    const nowMs = await readNow(client, undefined)
    return { terms, purchases: await readPurchases(client, terms), reservations: await readReservations(client, terms, nowMs) }
  } finally {
    await client.query('commit').catch(() => {})
  }
}

async function readNow(client: SqlClient, givenMs: number | undefined): Promise<number> {
  const { rows } = await client.query<{ nowMs: number }>(
    'select coalesce($1, extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs"', [givenMs ?? null])
  return rows[0]?.nowMs ?? 0
}

function isOpen({ startsAtMs, endsAtMs }: SaleTerms, nowMs: number): boolean {
  return startsAtMs <= nowMs && nowMs < endsAtMs
}

/** Whether the sale was ever open: it has given a reservation, whatever has become of it. */
async function hasGiven(client: SqlClient, { saleId }: SaleTerms): Promise<boolean> {
  const { rows } = await client.query<{ hasGiven: boolean }>(
    'select exists (select 1 from checkouts where sale_id = $1) as "hasGiven"', [saleId])
  return rows[0]?.hasGiven === true
}

async function readPurchases(client: SqlClient, terms: SaleTerms): Promise<RecoveredPurchase[]> {
  const { rows } = await client.query<RecoveredPurchase>(
    `select item_id as "itemId", user_id::text as "userId", code::text as code
     from purchases where sale_id = $1`, [terms.saleId])
  return rows
}

async function readReservations(
  client: SqlClient, terms: SaleTerms, nowMs: number,
): Promise<RecoveredReservation[]> {
  const { rows } = await client.query<RecoveredReservation>(
    `select distinct on (item_id) item_id as "itemId", user_id::text as "userId", code::text as code,
       (extract(epoch from expires_at) * 1000)::float8 as "expiresAtMs",
       least($3::float8, greatest(0, extract(epoch from expires_at)::float8 * 1000 - $2::float8))
         as "remainingMs"
     from checkouts c
     where sale_id = $1 and cancelled_at is null and expires_at > to_timestamp($2::float8 / 1000)
       and not exists (select 1 from purchases p where p.sale_id = $1 and p.item_id = c.item_id)
     order by item_id, expires_at desc, created_at desc`,
    [terms.saleId, nowMs, terms.reservationTtlMs])
  return rows
}
