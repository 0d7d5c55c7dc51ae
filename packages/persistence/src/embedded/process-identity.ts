import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'

/**
 * When the process of an id was born, in words that no later process with the same id shares; undefined when there is
 * none that runs, or the system does not show it.
 */
export function birthOf(processId: number): string | undefined {
  try {
    if (process.platform !== 'linux') return /^[^Z\s]\S*\s+(.+)$/.exec(psOf(processId, 'stat=,lstart='))?.[1]
    const fields = statFields(processId)
    // Ended, and nobody has looked yet.
    if (/^[ZX]$/.test(fields[0] ?? '')) return undefined
    // Field 22, in ticks since the boot that the second part names: steps of the wall clock do not change it.
    return `${fields[19]} ${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}`
  } catch {
    return undefined
  }
}

/** Sends the signal if the id still belongs to the process that was born then; false when it was not sent. */
export function signalProcess(processId: number, birth: string | undefined, signal: NodeJS.Signals): boolean {
  if (birth === undefined || birthOf(processId) !== birth) return false
  try {
    return process.kill(processId, signal)
  } catch {
    return false // It has ended in between, or is not ours to signal.
  }
}

/**
 * What a process id of a lock file stands for:
 * - `gone`: no process;
 * - `stranger`: certainly no PostgreSQL that runs in the directory;
 * - `server`: a PostgreSQL that runs in the directory;
 * - `unknown`: a PostgreSQL of which the system does not show where it runs.
 */
export type Occupant = 'gone' | 'stranger' | 'server' | 'unknown'

export function occupantOf(processId: number, directory: string): Occupant {
  try {
    process.kill(processId, 0)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ESRCH') return 'gone'
    // PostgreSQL's own rule: a server on our files runs under our account. Only root may run it under another.
    if (code === 'EPERM' && process.getuid?.() !== 0) return 'stranger'
  }
  return process.platform === 'linux' ? occupantByProc(processId, directory) : occupantByPs(processId, directory)
}

const SERVER_NAMES = ['postgres', 'postmaster']

function occupantByProc(processId: number, directory: string): Occupant {
  let name
  let command
  try {
    name = readFileSync(`/proc/${processId}/comm`, 'utf8').trim()
    if (/^[ZX]$/.test(statFields(processId)[0] ?? '')) return 'stranger'
    command = readFileSync(`/proc/${processId}/cmdline`, 'utf8')
  } catch (error) {
    return codeOf(error) === 'ESRCH' ? 'gone' : 'unknown'
  }
  if (!SERVER_NAMES.includes(name)) return 'stranger'
  // PostgreSQL makes its data directory its own before it writes the lock file.
  const isHere = isSameDirectory(`/proc/${processId}/cwd`, directory)
  if (isHere !== undefined) return isHere ? 'server' : 'stranger'
  // A container's root may not look at the directory of another account's process. Only the main process writes locks.
  if (command.startsWith('postgres: ')) return 'stranger'
  return byArgument(command.split('\0'), directory)
}

function occupantByPs(processId: number, directory: string): Occupant {
  const line = psOf(processId, 'stat=,command=')
  const [, state = '', command = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? []
  if (state === '') return 'unknown'
  if (state.startsWith('Z') || !/postgres|postmaster/.test(command)) return 'stranger'
  // The arguments come without quotes: look for the one with which we start it, then for one without a space.
  if (`${command} `.includes(` -D ${directory} `)) return 'server'
  return byArgument(command.split(' '), directory)
}

function byArgument(words: readonly string[], directory: string): Occupant {
  const named = words[words.indexOf('-D') + 1] ?? ''
  const isHere = words.includes('-D') && named.startsWith('/') ? isSameDirectory(named, directory) : undefined
  return isHere === undefined ? 'unknown' : isHere ? 'server' : 'stranger'
}

/** Whatever the paths are spelled like; undefined when one of them cannot be looked at. */
function isSameDirectory(one: string, other: string): boolean | undefined {
  try {
    const [a, b] = [statSync(one, { bigint: true }), statSync(other, { bigint: true })]
    return a.dev === b.dev && a.ino === b.ino
  } catch {
    return undefined
  }
}

/** From the state letter on: the name before it, in parentheses, may hold anything. */
function statFields(processId: number): string[] {
  const line = readFileSync(`/proc/${processId}/stat`, 'latin1')
  return line.slice(line.lastIndexOf(')') + 2).split(' ')
}

function psOf(processId: number, columns: string): string {
  try {
    return execFileSync('ps', ['-ww', '-o', columns, '-p', String(processId)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return ''
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)
