import { type Connection, type ConnectionRules, migrate, PersistenceError } from '@megacache/persistence'
import type { Embedded } from '@megacache/persistence/embedded'
import { randomBytes } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import pg from 'pg'
import type { Logger } from 'pino'
import type { Database } from '../database-setting.ts'
import { errorReason } from '../error-reason.ts'
import { StartError } from './exit-status.ts'

export interface OpenDatabase {
  readonly connection: Connection
  /** Settles when an embedded PostgreSQL ends by itself; never for a foreign one. */
  readonly exited: Promise<unknown>
  stop(): Promise<void>
}

/** Starts the embedded PostgreSQL or takes the configured one, and brings its schema up to date. */
export async function openDatabase(database: Database, log: Logger, rules: ConnectionRules): Promise<OpenDatabase> {
  const opened = database.kind === 'embedded' ? await embedded(database.dataDir, log) : foreign(database)
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
async function embedded(dataDir: string, log: Logger): Promise<OpenDatabase & { readonly connection: string }> {
  // Loaded only here: a server with a database of its own does not carry the binaries.
  const { startEmbedded } = await import('@megacache/persistence/embedded')
  const urlFile = join(dataDir, 'database-url')
  const wanted = resolve(dataDir, 'postgres')
  let server: Embedded | undefined
  try {
    server = await startEmbedded({ dataDir: wanted })
    await writeSecret(urlFile, `${server.url}\n`)
  } catch (error) {
    await server?.stop()
    const isOfDirectory = error instanceof Error
      && ('syscall' in error || (error instanceof PersistenceError && error.code === 'data_directory_unusable'))
    throw isOfDirectory ? new StartError(`DATA_DIR ${dataDir} cannot be used: ${errorReason(error.cause ?? error)}`, { cause: error }) : asStartError(error)
  }
  const started = server
  if (started.dataDir !== wanted) {
    log.warn({ dataDir: started.dataDir }, `the data is in ${started.dataDir}: PostgreSQL's account cannot reach ${wanted}`)
  }
  return {
    connection: started.url,
    exited: started.exited,
    stop: async () => {
      await rm(urlFile, { force: true })
      await started.stop()
    },
  }
}

/** Readable by this account only, whatever was there before. */
async function writeSecret(path: string, text: string): Promise<void> {
  const partial = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(partial, text, { mode: 0o600, flag: 'wx' })
  await rename(partial, path)
}

function foreign({ url, source }: Exclude<Database, { kind: 'embedded' }>): OpenDatabase & { readonly connection: string } {
  try {
    // Reads the certificates that it names; connects to nothing.
    void new pg.Client(url)
  } catch (error) {
    throw new StartError(`${source} cannot be used: ${errorReason(error)}`, { cause: error })
  }
  return { connection: url, exited: new Promise(() => {}), stop: async () => {} }
}

/** One line for the operator; the code stays in front so that it can be looked up. */
export function asStartError(error: unknown): unknown {
  if (!(error instanceof PersistenceError)) return error
  // Its cause is all that PostgreSQL logged; the line that counts is in the message.
  const reason = error.code === 'embedded_start_failed' ? error.message : errorReason(error)
  return new StartError(`${reason} [${error.code}]`, { cause: error })
}
