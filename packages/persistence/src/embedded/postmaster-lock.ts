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
    // But it takes a process id for a running server as long as anything, even a dead child, has it.
    if (program === 'other' || program === 'zombie') {
      // Unless another start has put its own in place meanwhile.
      if ((await readLock(clusterDir))?.processId !== lock.processId) continue
      await rm(join(clusterDir, 'postmaster.pid'), { force: true })
      return
    }
    const waitedMs = performance.now() - startedMs
    const owner = await readOwner(clusterDir)
    const isOrphan = owner !== undefined && ['gone', 'zombie'].includes(await programOf(owner))
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
async function programOf(processId: number): Promise<'gone' | 'zombie' | 'postgres' | 'other'> {
  try {
    process.kill(processId, 0)
  } catch (error) {
    // EPERM: it lives, under another account.
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return 'gone'
  }
  const state = await stateOf(processId)
  // What we may not look at is taken for the worst.
  if (state === undefined) return 'postgres'
  // Ended, and nobody has looked yet.
  if (/^[ZX]/.test(state)) return 'zombie'
  return /postgres|postmaster/.test(state) ? 'postgres' : 'other'
}

/** The process's state letter and command line; undefined when the system does not tell. */
async function stateOf(processId: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const files = ['stat', 'cmdline'].map((name) => readFile(`/proc/${processId}/${name}`, 'latin1'))
    return Promise.all(files).then(
      // The name in parentheses may hold anything, so the state is what follows the last one.
      ([status = '', command]) => `${status.slice(status.lastIndexOf(')') + 2)[0]} ${command}`,
      () => undefined)
  }
  return promisify(execFile)('ps', ['-o', 'stat=,command=', '-p', String(processId)]).then(
    ({ stdout }) => stdout.trim(), () => undefined)
}
