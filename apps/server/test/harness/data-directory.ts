import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Fixture } from './fixture.ts'
import { until } from './until.ts'

/** A directory for the data of an embedded PostgreSQL; removed when no process uses it any more. */
export async function dataDirectory(fixture: Fixture): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'megacache-e2e-'))
  // PostgreSQL runs under an unprivileged account when the tests run as root.
  await chmod(directory, 0o755)
  fixture.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))
  fixture.defer(() => expectNoProcess(directory))
  return directory
}

/** Command lines of the processes that name a directory, by their ids. */
export async function processesOn(directory: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'pid=,stat=,args='], { maxBuffer: 16 * 2 ** 20 })
  return stdout.split('\n').filter((line) => line.includes(directory) && !/^\s*\d+ Z/.test(line))
}

/** Waits until no process names the directory. */
export function expectNoProcess(directory: string, withinMs = 15_000): Promise<void> {
  return until(`no process on ${directory}`, async () => (await processesOn(directory)).length === 0, withinMs, 50)
}
