import type { ClientBase } from 'pg'

/** A connected `pg` client. Calls that read several tables need one connection, so a pool will not do. */
export type SqlClient = Pick<ClientBase, 'query'>
