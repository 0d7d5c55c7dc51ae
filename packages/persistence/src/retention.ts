import type { SqlClient } from './sql-client.ts'

/** What left the database. */
export interface DroppedSales {
  readonly partitions: readonly string[]
  readonly saleCount: number
  /**
   * What the database's clock alone would have dropped, and the newest sale forbids: either nothing was sold for long, or
   * that clock is ahead.
   */
  readonly refused: readonly string[]
}

const DAY_SECONDS = 86_400
const LOCK_TIMEOUT_MS = 2_000
const LOCK = `'lease'::regclass::oid::integer, 6`

interface Partition {
  readonly child: string
  readonly parent: string | null
  readonly isPending: boolean
}

/**
 * Drops the days whose sales all ended more than `retentionMs` ago: before the database's clock, and before the end of the
 * newest sale that has begun or given a reservation, whichever is earlier. So no clock, however wrong, drops what is younger than that sale and
 * `retentionMs`. Batches are not stalled: a partition is detached concurrently and dropped when it is a table of its own.
 * Needs a connection outside a transaction. An interrupted or timed-out drop is finished by the
 * next call; when another call is at it, this one does nothing.
 */
export async function dropOldSales(client: SqlClient, options: { readonly retentionMs: number }): Promise<DroppedSales> {
  const lock = await client.query<{ got: boolean }>(`select pg_try_advisory_lock(${LOCK}) as got`)
  if (lock.rows[0]?.got !== true) return { partitions: [], saleCount: 0, refused: [] }
  try {
    await client.query(`set lock_timeout = ${LOCK_TIMEOUT_MS}`)
    const cutoff = await readCutoff(client)
    const byClockMs = cutoff.nowMs - options.retentionMs
    const cutoffMs = Math.min(byClockMs, (cutoff.newestEndsMs ?? 0) - options.retentionMs)
    const keptDay = await firstKeptDay(client, cutoffMs)
    const dropped = await dropDays(client, keptDay)
    const byClock = cutoffMs === byClockMs ? [] : await partitionsBefore(client, await firstKeptDay(client, byClockMs))
    return { ...dropped, refused: byClock.map(({ child }) => child) }
  } finally {
    await client.query('reset lock_timeout')
    await client.query(`select pg_advisory_unlock(${LOCK})`)
  }
}

async function readCutoff(client: SqlClient): Promise<{ nowMs: number, newestEndsMs: number | null }> {
  const { rows } = await client.query<{ nowMs: number, newestEndsMs: number | null }>(`
    select (extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs",
      (select (extract(epoch from ends_at) * 1000)::float8 from sales s
       where starts_at <= clock_timestamp() or exists (select 1 from checkouts c where c.sale_id = s.sale_id)
       order by sale_id desc limit 1) as "newestEndsMs"`)
  return rows[0] ?? { nowMs: 0, newestEndsMs: null }
}

/** Days since 1970 before which every sale ended before `cutoffMs`. */
async function firstKeptDay(client: SqlClient, cutoffMs: number): Promise<number> {
  const { rows } = await client.query<{ day: number | null }>(
    `select (min(sale_id) / ${DAY_SECONDS})::int as day from sales
     where honoured_until >= to_timestamp($1::float8 / 1000)`, [cutoffMs])
  const cutoffDay = Math.floor(cutoffMs / 1000 / DAY_SECONDS)
  return Math.min(cutoffDay, rows[0]?.day ?? cutoffDay)
}

async function dropDays(client: SqlClient, keptDay: number): Promise<Omit<DroppedSales, 'refused'>> {
  const partitions = await partitionsBefore(client, keptDay)
  // The terms go first: without them nobody looks for the rows any more.
  const sales = await client.query('delete from sales where sale_id < $1', [keptDay * DAY_SECONDS])
  await client.query('delete from sale_attempts where sale_id < $1', [keptDay * DAY_SECONDS])
  for (const { child, parent, isPending } of partitions) {
    if (parent !== null) {
      const way = isPending ? 'finalize' : 'concurrently'
      await client.query(`alter table ${parent} detach partition ${child} ${way}`)
    }
    await client.query(`drop table ${child}`)
  }
  return { partitions: partitions.map(({ child }) => child), saleCount: sales.rowCount ?? 0 }
}

/** Attached or left detached by an interrupted drop; the names are ours, so they need no quoting. */
async function partitionsBefore(client: SqlClient, day: number): Promise<Partition[]> {
  const { rows } = await client.query<Partition>(
    `select c.relname as child, p.relname as parent, coalesce(i.inhdetachpending, false) as "isPending"
     from pg_class c
     left join pg_inherits i on i.inhrelid = c.oid
     left join pg_class p on p.oid = i.inhparent
     where c.relkind = 'r'
       and c.relnamespace = (select relnamespace from pg_class where oid = 'sales'::regclass)
       and c.relname ~ '^(checkouts|purchases|attempts)_p[0-9]+$'
       and substring(c.relname from '[0-9]+$')::bigint < $1
     order by c.relname`, [day])
  return rows
}
