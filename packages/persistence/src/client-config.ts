import { createHash } from 'node:crypto'
import type { ClientConfig } from 'pg'

/** What this package adds to the driver's configuration. Plain data: it can be sent to another thread. */
export interface ConnectionRules {
  /** Schema of our tables, exactly as PostgreSQL stores it. Default `megacache`. */
  readonly schema?: string
  /**
   * Refuse every connection to a server that runs with fsync or full_page_writes off or whose tables may forget rows, and let a
   * lease prove nothing while that is so. Default false: `inspectServer` looks at it on request.
   */
  readonly requireDurable?: boolean
}

/** A `postgres://` URL or the driver's own configuration object with our rules. */
export type Connection = string | (ClientConfig & ConnectionRules)

const DEFAULT_SCHEMA = 'megacache'
/** PostgreSQL cuts longer names. */
const NAME_BYTES_MAX = 63

/** The driver's configuration for either form, with `overrides` on top. */
export function clientConfig(connection: Connection, overrides: ClientConfig = {}): ClientConfig {
  const base = typeof connection === 'string' ? { connectionString: connection } : connection
  return { ...base, ...overrides }
}

/** The schema of our tables. Throws a RangeError when PostgreSQL could not have one of that name. */
export function schemaOf(connection: Connection): string {
  const schema = typeof connection === 'string' ? DEFAULT_SCHEMA : connection.schema ?? DEFAULT_SCHEMA
  if (!isSchemaName(schema)) throw new RangeError(`not the name of a schema: ${JSON.stringify(schema)}`)
  return schema
}

/** Whether PostgreSQL can have a schema of that name that is not one of its own. */
export function isSchemaName(name: string): boolean {
  const isTooLong = Buffer.byteLength(name) > NAME_BYTES_MAX
  return name !== '' && !isTooLong && !name.includes('\0') && !/^(pg_|information_schema$)/.test(name)
}

export function isDurabilityRequired(connection: Connection): boolean {
  return typeof connection !== 'string' && connection.requireDurable === true
}

/**
 * The application name as the server shows it. Those of ours begin with `megacache/`; in a schema of another name with
 * `megacache.` and six digits, so that a failover ends the sessions of its own schema only. As migrations/0004_lease.sql.
 */
export function applicationNameIn(connection: Connection, applicationName: string): string {
  const schema = schemaOf(connection)
  if (schema === DEFAULT_SCHEMA || !applicationName.startsWith('megacache/')) return applicationName
  const digits = createHash('sha256').update(schema).digest('hex').slice(0, 6)
  return `megacache.${digits}/${applicationName.slice('megacache/'.length)}`
}
