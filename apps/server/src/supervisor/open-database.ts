import { type Connection, migrate, PersistenceError } from '@megacache/persistence'
import { join } from 'node:path'
import type { Database } from '../database-setting.ts'
import { StartError } from './exit-status.ts'

export interface OpenDatabase {
  readonly connection: Connection
  /** Settles when an embedded PostgreSQL ends by itself; never for a foreign one. */
  readonly exited: Promise<unknown>
  /** Where an embedded PostgreSQL keeps its data. */
  readonly dataDir: string | undefined
  stop(): Promise<void>
}

/** Starts the embedded PostgreSQL or takes the configured one, and brings its schema up to date. */
export async function openDatabase(database: Database): Promise<OpenDatabase> {
  const open = database.kind === 'embedded' ? await embedded(database.dataDir) : foreign(database)
  try {
    await migrate(open.connection)
  } catch (error) {
    await open.stop()
    throw asStartError(error)
  }
  return open
}

async function embedded(dataDir: string): Promise<OpenDatabase> {
  // Loaded only here: a server with a database of its own does not carry the binaries.
  const { startEmbedded } = await import('@megacache/persistence/embedded')
  try {
    const server = await startEmbedded({ dataDir: join(dataDir, 'postgres') })
    return {
      connection: server.url, exited: server.exited, dataDir: server.dataDir, stop: () => server.stop(),
    }
  } catch (error) {
    throw asStartError(error)
  }
}

function foreign(database: Exclude<Database, { kind: 'embedded' }>): OpenDatabase {
  return { connection: database.url, exited: new Promise(() => {}), dataDir: undefined, stop: async () => {} }
}

/** One line for the operator; the code stays in front so that it can be looked up. */
export function asStartError(error: unknown): unknown {
  if (!(error instanceof PersistenceError)) return error
  const cause = error.cause instanceof Error && error.cause.message !== '' ? ` (${error.cause.message})` : ''
  return new StartError(`${error.message}${cause} [${error.code}]`, { cause: error })
}
