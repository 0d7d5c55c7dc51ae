import type { SqlClient } from './sql-client.ts'

/**
 * Whether an instance waits for the lease of this database: its session is there, with the tag that `acquireLease` gives it. Only who
 * may log in as the same role (or one whose activity the client's role may see) can have it.
 */
export async function isWaitingForLease(client: SqlClient, instanceId: string): Promise<boolean> {
  const { rows } = await client.query(
    `select 1 from pg_stat_activity
     where datname = current_database() and application_name = megacache_tag() || '/pending/' || $1 limit 1`, [instanceId])
  return rows.length > 0
}
