import type { SqlClient } from './sql-client.ts'

/**
 * Whether an instance waits for the lease of this database: its session is there, with the tag that `acquireLease` gives it, and
 * of the role that `client` has logged in as. Any role can give its session any name.
 */
export async function isWaitingForLease(client: SqlClient, instanceId: string): Promise<boolean> {
  const { rows } = await client.query(
    `select 1 from pg_stat_activity
     where datname = current_database() and usename = session_user
       and application_name = megacache_tag() || '/pending/' || $1 limit 1`, [instanceId])
  return rows.length > 0
}
