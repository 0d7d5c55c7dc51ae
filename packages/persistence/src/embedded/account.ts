import { access, readFile, realpath, stat } from 'node:fs/promises'
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
export async function unprivilegedAccount(clusterDir?: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const owner = clusterDir === undefined ? undefined : await stat(join(clusterDir, 'PG_VERSION')).catch(() => undefined)
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const file = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const lines = file.split('\n').map((line) => line.split(':'))
  const row = lines.find(([name]) => name === 'postgres') ?? lines.find(([name]) => name === 'nobody')
  if (row === undefined) {
    throw new PersistenceError('embedded_unavailable',
      'running as root, and there is neither a postgres nor a nobody account to run PostgreSQL as')
  }
  return { uid: Number(row[2]), gid: Number(row[3]) }
}

/** Whether the account can walk to `path`, as far as it exists (a clone under /root cannot be reached). */
export async function isReachable(path: string, account: Account): Promise<boolean> {
  const real = await realpath(path).catch(() => undefined)
  const start = real ?? dirname(resolve(path))
  // Through symbolic links, whose own directories count as well.
  if (real === undefined && start !== resolve(path)) return isReachable(start, account)
  for (let directory = start; ; directory = dirname(directory)) {
    const { mode, uid, gid } = await stat(directory)
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return false
    if (directory === dirname(directory)) return true
  }
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false)
}
