import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PersistenceError } from '../persistence-error.ts'
import { replaceFile } from './cluster-files.ts'
import { birthOf, occupantOf, signalProcess } from './process-identity.ts'

const OWNER_FILE = 'megacache.owner'
const LOOK_EVERY_MS = 20
/** Without a known owner a PostgreSQL has this long to show that it stops; a lock that is being written, to be whole. */
const GRACE_MS = 2_000
/** The guard of a dead owner stops PostgreSQL at once; after this we signal it, if it is proven to be the owner's. */
const ORPHAN_MS = 5_000
/** Longest wait for a PostgreSQL that is stopping. */
const STOPPING_MS = 60_000
const PROCESS_ID_MAX = 2 ** 31 - 1

interface LockFile {
  readonly text: string
  /** Undefined when the file is empty, torn or no lock. */
  readonly processId: number | undefined
  /** `starting`, `ready`, `stopping`, ...: the eighth line of postmaster.pid. */
  readonly status: string
}

/** A process of which more is known than its id, which another one may have by now. */
interface KnownProcess {
  readonly processId: number
  readonly birth: string
}

/** Who runs the cluster, as its last owner wrote it down. */
interface OwnerRecord {
  readonly owner: KnownProcess
  readonly server: KnownProcess
}

/** Notes that this process runs the cluster by that server, so that a start after our death knows it for an orphan. */
export async function writeOwner(clusterDir: string, serverId: number): Promise<void> {
  const lines = [process.pid, serverId].flatMap((id) => [id, birthOf(id) ?? ''])
  await replaceFile(join(clusterDir, OWNER_FILE), lines.join('\n'))
}

/**
 * Waits while an earlier PostgreSQL of a dead owner shuts down in the directory, and clears a lock file that no
 * PostgreSQL of this directory holds. A process is signalled only when it runs in this directory and is, by its time of
 * birth, the one that a dead owner of ours started. Rejects with `data_directory_in_use` or `data_directory_unusable`.
 */
export async function waitUntilFree(clusterDir: string): Promise<void> {
  const startedMs = performance.now()
  let isSignalled = false
  for (;;) {
    const lock = await readLock(clusterDir)
    if (lock === undefined) return
    const { processId } = lock
    const waitedMs = performance.now() - startedMs
    const occupant = processId === undefined ? 'stranger' : occupantOf(processId, clusterDir)
    // PostgreSQL itself replaces the lock of a process that is gone.
    if (occupant === 'gone') return
    if (occupant === 'stranger') {
      // It would take any process of its account for a running server, and an unreadable lock for one that starts.
      if (processId !== undefined || waitedMs > GRACE_MS) {
        if (await clearLock(clusterDir, lock)) return
        continue
      }
    } else {
      const record = await readOwner(clusterDir)
      const isOwnerDead = record !== undefined && birthOf(record.owner.processId) !== record.owner.birth
      const isOrphan = isOwnerDead && occupant === 'server' && record.server.processId === processId
        && birthOf(processId) === record.server.birth
      if (waitedMs > patienceMs(lock, record, isOwnerDead, isOrphan)) throw inUse(clusterDir, processId, occupant)
      if (isOrphan && !isSignalled && waitedMs > ORPHAN_MS && lock.status !== 'stopping') {
        isSignalled = signalProcess(processId, record.server.birth, 'SIGINT')
      }
    }
    await new Promise((done) => {
      setTimeout(done, LOOK_EVERY_MS)
    })
  }
}

function patienceMs(lock: LockFile, record: OwnerRecord | undefined, isOwnerDead: boolean, isOrphan: boolean): number {
  if (isOrphan || lock.status === 'stopping') return STOPPING_MS
  if (isOwnerDead) return ORPHAN_MS
  return record === undefined ? GRACE_MS : 0
}

export function inUse(clusterDir: string, processId?: number, occupant?: 'server' | 'unknown'): PersistenceError {
  if (occupant === 'unknown') {
    return new PersistenceError('data_directory_in_use',
      `${join(clusterDir, 'postmaster.pid')} names process ${processId}, a PostgreSQL whose data directory cannot be seen: `
      + 'stop it if it is this one, else remove the file')
  }
  const who = processId === undefined ? '' : ` (PostgreSQL process ${processId})`
  return new PersistenceError('data_directory_in_use', `another process already runs on ${clusterDir}${who}`)
}

/** False when another start has put its own lock in place meanwhile. */
async function clearLock(clusterDir: string, { text }: LockFile): Promise<boolean> {
  if ((await readLock(clusterDir))?.text !== text) return false
  await rm(join(clusterDir, 'postmaster.pid'), { force: true })
  return true
}

async function readLock(clusterDir: string): Promise<LockFile | undefined> {
  const path = join(clusterDir, 'postmaster.pid')
  // Whoever opens a pipe that nobody writes to waits for ever, PostgreSQL too.
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile() === false) throw new PersistenceError('data_directory_unusable', `${path} is no regular file: remove it`)
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const [first = '', ...others] = text.split('\n')
  // A standalone PostgreSQL writes its id with a minus. A line that does not end may lack digits.
  const number = others.length > 0 && /^\s*-?\d+\s*$/.test(first) ? Math.abs(Number(first)) : 0
  const isProcessId = number > 0 && number <= PROCESS_ID_MAX
  return { text, processId: isProcessId ? number : undefined, status: (others[6] ?? '').trim() }
}

async function readOwner(clusterDir: string): Promise<OwnerRecord | undefined> {
  const lines = (await readFile(join(clusterDir, OWNER_FILE), 'utf8').catch(() => '')).split('\n')
  const [owner, server] = [known(lines[0], lines[1]), known(lines[2], lines[3])]
  return owner && server && { owner, server }
}

function known(id = '', birth = ''): KnownProcess | undefined {
  const processId = Number(id)
  return processId > 0 && processId <= PROCESS_ID_MAX && birth !== '' ? { processId, birth } : undefined
}
