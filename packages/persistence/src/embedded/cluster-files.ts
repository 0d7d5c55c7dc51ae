import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chown, lstat, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { PersistenceError } from '../persistence-error.ts'
import { type Account, exists, isReachable } from './account.ts'

const PARTIAL = '.partial-'
/** An initdb takes under a second; what is older belongs to one that was killed. */
const PARTIAL_AGE_MS = 600_000
const PASSWORD_FILE = 'megacache.password'

/** The name of the superuser of an embedded cluster. */
export const EMBEDDED_USER = 'megacache'

/** The directory asked for, or one under the temporary directory when `isRoot`'s account cannot reach it. */
export async function usableDirectory(asked: string, isRoot: boolean): Promise<string> {
  const wanted = resolve(asked)
  if (!isRoot || (await isReachable(wanted))) {
    await mkdir(wanted, { recursive: true })
    if (!isRoot || (await isReachable(wanted))) return wanted
  }
  const name = createHash('sha256').update(wanted).digest('hex').slice(0, 12)
  const fallback = join(tmpdir(), `megacache-data-${name}`)
  await mkdir(fallback, { recursive: true, mode: 0o755 })
  const found = await lstat(fallback)
  if (found.isDirectory() && found.uid === process.getuid?.()) return fallback
  throw new PersistenceError('embedded_unavailable', `${fallback} belongs to another account: remove it`)
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
    await run(initdb, ['-D', partial, '-U', EMBEDDED_USER, '-A', 'scram-sha-256', '--pwfile', passwordFile,
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

function run(file: string, args: readonly string[], account: Account | undefined): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(file, args, { ...account, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] })
    let output = ''
    child.stderr.on('data', (data: Buffer) => {
      output += data.toString()
    })
    child.once('error', fail).once('close', (code) => {
      if (code === 0) done()
      else {
        fail(new PersistenceError(
          'embedded_start_failed', `initdb failed: ${firstLine(output)}`, new Error(output)))
      }
    })
  })
}

/** The line that says what went wrong, for a message of one line. */
export function firstLine(output: string): string {
  const lines = output.split('\n').map((line) => line.trim()).filter((line) => line !== '')
  return lines.find((line) => /FATAL|PANIC|error:/.test(line)) ?? lines[0] ?? 'it said nothing'
}
