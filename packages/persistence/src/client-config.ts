import type { ClientConfig } from 'pg'

/** A `postgres://` URL or the driver's own configuration object. */
export type Connection = string | ClientConfig

/** The driver's configuration for either form, with `overrides` on top. */
export function clientConfig(connection: Connection, overrides: ClientConfig = {}): ClientConfig {
  const base = typeof connection === 'string' ? { connectionString: connection } : connection
  return { ...base, ...overrides }
}
