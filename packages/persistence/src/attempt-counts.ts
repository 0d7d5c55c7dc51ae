import type { SqlClient } from './sql-client.ts'

/**
 * Adds counts of attempts by reason to those of a sale. Additive, so a call whose fate is unknown
 * must not be repeated: what it carried may then be missing, never counted twice.
 */
export async function recordAttemptCounts(
  client: SqlClient, saleId: number, counts: ReadonlyMap<string, number>,
): Promise<void> {
  const entries = [...counts].filter(([, count]) => count > 0).toSorted(([a], [b]) => (a < b ? -1 : 1))
  if (entries.length === 0) return
  await client.query(
    `insert into sale_attempts as a (sale_id, reason, attempts)
     select $1, n.reason, n.attempts from unnest($2::text[], $3::bigint[]) as n(reason, attempts)
     on conflict (sale_id, reason) do update set attempts = a.attempts + excluded.attempts`,
    [saleId, entries.map(([reason]) => reason), entries.map(([, count]) => count)])
}
