import { type Connection, type ConnectionRules, migrate, PersistenceError } from '@megacache/persistence'
import type { Embedded } from '@megacache/persistence/embedded'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { Database } from '../database-setting.ts'
import { StartError } from './exit-status.ts'

export interface OpenDatabase {
  readonly connection: Connection
  /** Settles when an embedded PostgreSQL ends by itself; never for a foreign one. */
  readonly exited: Promise<unknown>
  stop(): Promise<void>
}

/** Starts the embedded PostgreSQL or takes the configured one, and brings its schema up to date. */
export async function openDatabase(database: Database, rules: ConnectionRules): Promise<OpenDatabase> {
  const opened = database.kind === 'embedded' ? await embedded(database.dataDir) : foreign(database)
  const open = { ...opened, connection: { connectionString: opened.connection, ...rules } }
  try {
    await migrate(open.connection)
  } catch (error) {
    await open.stop()
    throw asStartError(error)
  }
  return open
}

/**
 * The embedded PostgreSQL listens on a port of its own choice. Its URL is left in `DATA_DIR/database-url`, readable by
 * this account only, so that psql and the load generator find it while the server runs.
 */
async function embedded(dataDir: string): Promise<OpenDatabase & { readonly connection: string }> {
  // Loaded only here: a server with a database of its own does not carry the binaries.
  const { startEmbedded } = await import('@megacache/persistence/embedded')
  const urlFile = join(dataDir, 'database-url')
  let server: Embedded | undefined
  try {
    await mkdir(dataDir, { recursive: true })
    server = await startEmbedded({ dataDir: join(dataDir, 'postgres') })
    await writeFile(urlFile, `${server.url}\n`, { mode: 0o600 })
  } catch (error) {
    await server?.stop()
    const isOfDirectory = error instanceof Error && 'syscall' in error && 'path' in error
    throw isOfDirectory ? new StartError(`DATA_DIR ${dataDir} cannot be used: ${error.message}`, { cause: error }) : asStartError(error)
  }
  const started = server
  return {
    connection: started.url,
    exited: started.exited,
    stop: async () => {
      await rm(urlFile, { force: true })
      await started.stop()
    },
  }
}

function foreign({ url, source }: Exclude<Database, { kind: 'embedded' }>): OpenDatabase & { readonly connection: string } {
  try {
    // Reads the certificates that it names; connects to nothing.
    void new pg.Client(url)
  } catch (error) {
    throw new StartError(`${source} cannot be used: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  return { connection: url, exited: new Promise(() => {}), stop: async () => {} }
}

/** One line for the operator; the code stays in front so that it can be looked up. */
export function asStartError(error: unknown): unknown {
  if (!(error instanceof PersistenceError)) return error
  const cause = error.cause instanceof Error && error.cause.message !== '' ? ` (${error.cause.message})` : ''
  return new StartError(`${error.message}${cause} [${error.code}]`, { cause: error })
}
