import pg from 'pg'
import { type Connection, clientConfig } from './client-config.ts'
import { asPersistenceError } from './server-refusal.ts'
import { pinSession } from './session-pins.ts'

export interface OpenClientOptions {
  /** Default `megacache/client`. */
  readonly applicationName?: string
  /** How long to wait for a connection. Default 5,000 ms. */
  readonly connectMs?: number
  /** How long to wait for an answer. Default 30,000 ms. */
  readonly answerMs?: number
}

/**
 * A connected client of the driver for this package's functions: its session is pinned to our schema and to what the
 * statements rest on. The caller ends it. Rejects with `connection_lost`, or with `unsafe_settings` where the connection
 * requires durability.
 */
export async function openClient(connection: Connection, options: OpenClientOptions = {}): Promise<pg.Client> {
  const { applicationName = 'megacache/client', connectMs = 5_000, answerMs = 30_000 } = options
  // Without its own limits a connection that fell silent would keep the caller waiting for ever.
  const client = new pg.Client(clientConfig(connection, {
    connectionTimeoutMillis: connectMs, query_timeout: answerMs, keepAlive: true,
  }))
  // The rejected query says it; without a listener the event would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    await pinSession(client, connection, { applicationName, statementTimeoutMs: 0 })
    return client
  } catch (error) {
    await client.end().catch(() => {})
    throw asPersistenceError(error, 'the database cannot be reached')
  }
}
