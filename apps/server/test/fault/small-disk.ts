import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Fixture } from '../harness/fixture.ts'

const run = promisify(execFile)

/** Whether this process may mount a file system. */
export function canMount(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0
}

/** A file system of so many megabytes in memory. */
export async function smallDisk(fixture: Fixture, megabytes: number): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'megacache-disk-'))
  fixture.defer(() => rm(directory, { recursive: true, force: true }))
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', directory]).catch((error: unknown) => {
    throw new Error('a small file system is mounted here to be filled up, which needs root', { cause: error })
  })
  fixture.defer(() => run('umount', ['--lazy', directory]))
  await chmod(directory, 0o755)
  return directory
}

/** Writes until there is no room, but for so many megabytes. */
export async function fill(file: string, megabytesLeft = 0): Promise<void> {
  const chunk = Buffer.alloc(1 << 20)
  const { bavail, bsize } = await statfs(dirname(file))
  if (megabytesLeft > 0) {
    const bytes = Buffer.alloc(Math.max(0, bavail * bsize - megabytesLeft * 2 ** 20))
    return writeFile(file, bytes).catch((error: NodeJS.ErrnoException) => {
      // Somebody else has taken the room meanwhile: it is as full as it was to be.
      if (error.code !== 'ENOSPC') throw error
    })
  }
  for (let size = chunk.length; size >= 512; size >>>= 1) {
    for (;;) {
      const isFull = await writeFile(file, chunk.subarray(0, size), { flag: 'a' }).then(() => false, () => true)
      if (isFull) break
    }
  }
}
