import { access, readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { PersistenceError } from '../persistence-error.ts'

/** The operating-system account that PostgreSQL runs as; undefined: our own. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/**
 * PostgreSQL refuses to run as root: use who owns the data already, else an existing unprivileged
 * account; never create one.
 */
export async function unprivilegedAccount(clusterDir: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const owner = await stat(join(clusterDir, 'PG_VERSION')).catch(() => undefined)
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  const row = lines.find(([name]) => name === 'postgres') ?? lines.find(([name]) => name === 'nobody')
  if (row === undefined) {
    throw new PersistenceError('embedded_unavailable',
      'running as root, and there is neither a postgres nor a nobody account to run PostgreSQL as')
  }
  return { uid: Number(row[2]), gid: Number(row[3]) }
}

/** Whether any account can walk to `path`, as far as it exists (a clone under /root cannot be reached). */
export async function isReachable(path: string): Promise<boolean> {
  for (let directory = resolve(path); ; directory = dirname(directory)) {
    const found = await stat(directory).catch(() => undefined)
    if (found !== undefined && (found.mode & 0o001) === 0) return false
    if (directory === dirname(directory)) return true
  }
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false)
}
