import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PersistenceError } from '../persistence-error.ts'

const OWNER_FILE = 'megacache.owner'
const LOOK_EVERY_MS = 20
/** A PostgreSQL whose owner lives is in use; without a known owner it has this long to show that it stops. */
const GRACE_MS = 2_000
/** The guard of a dead owner stops PostgreSQL at once; after this we tell PostgreSQL ourselves. */
const ORPHAN_MS = 5_000
/** Longest wait for a PostgreSQL that is stopping. */
const STOPPING_MS = 60_000

interface LockFile {
  readonly processId: number
  /** `starting`, `ready`, `stopping`, ...: the eighth line of postmaster.pid. */
  readonly status: string
}

/** Notes that this process runs the cluster, so that a start after our death knows it for an orphan. */
export async function writeOwner(clusterDir: string): Promise<void> {
  await writeFile(join(clusterDir, OWNER_FILE), String(process.pid))
}

/**
 * Waits while an earlier PostgreSQL of a dead owner shuts down in the directory, and clears a lock
 * file whose process id belongs to another program by now. Rejects with `data_directory_in_use`.
 */
export async function waitUntilFree(clusterDir: string): Promise<void> {
  const startedMs = performance.now()
  let isSignalled = false
  for (;;) {
    const lock = await readLock(clusterDir)
    if (lock === undefined) return
    const program = await programOf(lock.processId)
    // PostgreSQL itself replaces the lock of a process that is gone.
    if (program === 'gone') return
    if (program === 'other') {
      await rm(join(clusterDir, 'postmaster.pid'), { force: true })
      return
    }
    const waitedMs = performance.now() - startedMs
    const owner = await readOwner(clusterDir)
    const isOrphan = owner !== undefined && (await programOf(owner)) === 'gone'
    const isStopping = lock.status === 'stopping' || isOrphan
    const patienceMs = isStopping ? STOPPING_MS : owner === undefined ? GRACE_MS : 0
    if (waitedMs > patienceMs) throw inUse(clusterDir, lock)
    if (isOrphan && !isSignalled && waitedMs > ORPHAN_MS && lock.status !== 'stopping') {
      isSignalled = true
      process.kill(lock.processId, 'SIGINT')
    }
    await new Promise((done) => {
      setTimeout(done, LOOK_EVERY_MS)
    })
  }
}

export function inUse(clusterDir: string, lock?: LockFile): PersistenceError {
  const who = lock === undefined ? '' : ` (PostgreSQL process ${lock.processId})`
  return new PersistenceError('data_directory_in_use', `another process already runs on ${clusterDir}${who}`)
}

async function readLock(clusterDir: string): Promise<LockFile | undefined> {
  const text = await readFile(join(clusterDir, 'postmaster.pid'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const lines = text.split('\n')
  const processId = Math.abs(Number.parseInt(lines[0] ?? '', 10))
  return Number.isSafeInteger(processId) && processId > 0
    ? { processId, status: (lines[7] ?? '').trim() } : undefined
}

async function readOwner(clusterDir: string): Promise<number | undefined> {
  const text = await readFile(join(clusterDir, OWNER_FILE), 'utf8').catch(() => '')
  const processId = Number.parseInt(text, 10)
  return Number.isSafeInteger(processId) && processId > 0 ? processId : undefined
}

/** What runs under a process id: a stale lock file may name one that another program has by now. */
async function programOf(processId: number): Promise<'gone' | 'postgres' | 'other'> {
  try {
    process.kill(processId, 0)
  } catch (error) {
    // EPERM: it lives, under another account.
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return 'gone'
  }
  const command = await commandOf(processId)
  // A zombie has no command line: it is over, only nobody has looked yet.
  if (command === '') return 'gone'
  return /postgres|postmaster/.test(command) ? 'postgres' : 'other'
}

async function commandOf(processId: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${processId}/cmdline`, 'latin1').catch(() => '')
  const asked = promisify(execFile)('ps', ['-o', 'command=', '-p', String(processId)])
  return asked.then(({ stdout }) => stdout.trim(), () => '')
}
