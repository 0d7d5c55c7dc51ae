import { createHash, randomBytes } from 'node:crypto'
import {
  chmod, chown, lstat, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { PersistenceError } from '../persistence-error.ts'
import { type Account, exists, isReachable, unprivilegedAccount } from './account.ts'
import { runProgram } from './run-program.ts'

const PARTIAL = '.partial-'
/** An initdb takes under a second; what is older belongs to one that was killed. */
const PARTIAL_AGE_MS = 600_000
const PASSWORD_FILE = 'megacache.password'

/** The name of the superuser of an embedded cluster. */
export const EMBEDDED_USER = 'megacache'

/**
 * The directory asked for, made when missing. As root another one, when PostgreSQL's account cannot reach the place:
 * `/var/lib`, else the temporary directory, under a name that follows from the place asked for.
 */
export async function usableDirectory(asked: string): Promise<string> {
  const wanted = resolve(asked)
  await makeDirectory(wanted)
  if (process.getuid?.() !== 0) return wanted
  const account = await unprivilegedAccount(join(wanted, 'pgdata'))
  if (account === undefined) return wanted
  const isReached = await isReachable(wanted, account)
  const hasCluster = await exists(join(wanted, 'pgdata/PG_VERSION'))
  if (isReached && hasCluster) return wanted
  const name = `megacache-data-${createHash('sha256').update(wanted).digest('hex').slice(0, 12)}`
  const elsewhere = ['/var/lib', await sharedTemporaryDirectory(account)].map((parent) => join(parent, name))
  // Data is never left behind for an empty cluster.
  if (hasCluster) {
    throw new PersistenceError('data_directory_unusable',
      `the account that owns the data there (user id ${account.uid}) cannot reach ${wanted}: let it search the directories above it`)
  }
  for (const place of elsewhere) if (await exists(join(place, 'pgdata/PG_VERSION'))) return ownDirectory(place)
  if (isReached) return wanted
  for (const place of elsewhere) {
    if (await makeDirectory(place).then(() => true, () => false)) return ownDirectory(place)
  }
  throw new PersistenceError('data_directory_unusable', `PostgreSQL's account (user id ${account.uid}) cannot reach ${wanted}`)
}

async function ownDirectory(path: string): Promise<string> {
  const found = await lstat(path)
  if (found.isDirectory() && found.uid === process.getuid?.()) return path
  throw new PersistenceError('embedded_unavailable', `${path} belongs to another account: remove it`)
}

/** A temporary directory that the account can reach: TMPDIR may be private to root. */
export async function sharedTemporaryDirectory(account: Account | undefined): Promise<string> {
  if (account === undefined) return tmpdir()
  for (const path of [tmpdir(), '/tmp', '/var/tmp']) {
    if ((await exists(path)) && (await isReachable(path, account))) return path
  }
  throw new PersistenceError('embedded_unavailable',
    `PostgreSQL's account (user id ${account.uid}) can reach none of ${tmpdir()}, /tmp and /var/tmp: set TMPDIR to a directory that it can reach`)
}

/**
 * Makes a directory and those above it that are missing. As root, what it makes can be walked through by PostgreSQL's
 * account, whatever the umask. `mkdir` of Node with `recursive` never ends below /proc, and calls a read-only place missing.
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if ((await stat(path).catch(() => undefined))?.isDirectory() === true) return
    // The parent is there: it is the place itself that cannot be.
    if (code !== 'ENOENT' || (await exists(dirname(path)))) throw error
    await makeDirectory(dirname(path))
    await mkdir(path)
  }
  if (process.getuid?.() === 0) await chmod(path, ((await stat(path)).mode & 0o777) | 0o001)
}

/** Whole or not at all, and never through what another account has put there. Readable by our account only. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const partial = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(partial, text, { mode: 0o600, flag: 'wx' })
  await rename(partial, path)
}

/**
 * Makes the cluster unless it exists. It is made beside its place and moved there whole, so that
 * neither a kill in the middle nor two starts at once leave half a cluster.
 */
export async function makeCluster(
  clusterDir: string, initdb: string, account: Account | undefined, isThrowAway: boolean,
): Promise<void> {
  if (await exists(join(clusterDir, 'PG_VERSION'))) return
  await removeAbandoned(clusterDir)
  const partial = await mkdtemp(`${clusterDir}${PARTIAL}`)
  const passwordFile = `${partial}.password`
  try {
    await writeFile(passwordFile, randomBytes(24).toString('hex'), { mode: 0o600 })
    if (account !== undefined) {
      await chown(partial, account.uid, account.gid)
      await chown(passwordFile, account.uid, account.gid)
    }
    await runProgram(initdb, ['-D', partial, '-U', EMBEDDED_USER, '-A', 'scram-sha-256', '--pwfile', passwordFile,
      '--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8',
      '--no-instructions', ...(isThrowAway ? ['--no-sync'] : [])], account)
    await rename(passwordFile, join(partial, PASSWORD_FILE))
    await rename(partial, clusterDir)
  } catch (error) {
    // Another start was faster: its cluster serves both.
    if (!(await exists(join(clusterDir, 'PG_VERSION')))) throw error
  } finally {
    await rm(partial, { recursive: true, force: true })
    await rm(passwordFile, { force: true })
  }
}

export async function readPassword(clusterDir: string): Promise<string> {
  return readFile(join(clusterDir, PASSWORD_FILE), 'utf8').catch((error: unknown) => {
    throw new PersistenceError('embedded_start_failed',
      `${clusterDir} has no ${PASSWORD_FILE}: it was not made by this launcher`, error)
  })
}

async function removeAbandoned(clusterDir: string): Promise<void> {
  const parent = dirname(clusterDir)
  for (const name of await readdir(parent)) {
    if (!name.startsWith(`${basename(clusterDir)}${PARTIAL}`)) continue
    const found = await stat(join(parent, name)).catch(() => undefined)
    if (found !== undefined && Date.now() - found.mtimeMs > PARTIAL_AGE_MS) {
      await rm(join(parent, name), { recursive: true, force: true })
    }
  }
}
