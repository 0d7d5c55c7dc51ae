import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { PersistenceError } from '../persistence-error.ts'
import type { Account } from './account.ts'

/**
 * What PostgreSQL's programs get of our environment: nothing that would set a default of theirs (`PGDATA`,
 * `PGCLIENTENCODING`, `LANG`, ...), and no secret, since another account may own the process.
 */
export function childEnvironment(): Record<string, string> {
  const handedOn = ['PATH', 'TZ', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH']
  const entries = handedOn.flatMap((name): [string, string][] => {
    // oxlint-disable-next-line no-process-env -- handed on, not read: what programs and their libraries are found by
    const value = process.env[name]
    return value === undefined ? [] : [[name, value]]
  })
  return { ...Object.fromEntries(entries), LC_ALL: 'C' }
}

/** Runs a program of PostgreSQL to its end; rejects with `embedded_start_failed` or `embedded_unavailable`. */
export function runProgram(file: string, args: readonly string[], account: Account | undefined): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(file, args, { ...account, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'], env: childEnvironment() })
    let output = ''
    child.stderr.on('data', (data: Buffer) => {
      output += data.toString()
    })
    child.once('error', (error) => fail(cannotRun(file, error.message, error))).once('close', (code) => {
      if (code === 0) done()
      else if (code === 127) fail(cannotRun(file, firstLine(output)))
      else fail(new PersistenceError('embedded_start_failed', `initdb failed: ${firstLine(output)}`, new Error(output)))
    })
  })
}

/** The fault of a program that the system does not run, whatever it is asked to do. */
export function cannotRun(file: string, reason: string, cause?: unknown): PersistenceError {
  const hint = file.startsWith(tmpdir()) ? ` (may programs be run there, or is it mounted noexec? TMPDIR names another place)` : ''
  return new PersistenceError('embedded_unavailable', `${file} cannot be run: ${reason}${hint}`, cause)
}

/** The line that says what went wrong, for a message of one line. */
export function firstLine(output: string): string {
  const lines = output.split('\n').map((line) => line.trim()).filter((line) => line !== '')
  return lines.find((line) => /FATAL|PANIC|error:/.test(line)) ?? lines[0] ?? 'it said nothing'
}
