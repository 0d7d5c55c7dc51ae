import { execFile } from 'node:child_process'
import { chmod, lstat, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { isReachable, unprivilegedAccount } from '../../src/embedded/account.ts'
import { readableTree } from '../../src/embedded/binaries.ts'
import { makeDirectory, sharedTemporaryDirectory, usableDirectory } from '../../src/embedded/cluster-files.ts'
import { runProgram } from '../../src/embedded/run-program.ts'
import { startEmbedded } from '../../src/embedded.ts'

const run = promisify(execFile)
let directory: string
let previous: number
let undo: (() => Promise<unknown>)[] = []

/** As an installation under umask 077 leaves it: for its owner only. */
async function privateInstallation(): Promise<string> {
  const native = join(directory, 'private/native')
  await mkdir(join(native, 'bin'), { recursive: true })
  await mkdir(join(native, 'share'))
  await writeFile(join(native, 'bin/initdb'), '#!/bin/sh\nexec cat "$(dirname "$0")/../share/text" >/dev/null\n', { mode: 0o700 })
  await writeFile(join(native, 'share/text'), 'text')
  await symlink('text', join(native, 'share/link'))
  return native
}

const modeOf = async (path: string): Promise<string> => ((await lstat(path)).mode & 0o777).toString(8)

const account = await unprivilegedAccount().catch(() => undefined)

describe.runIf(account !== undefined)('as root under umask 077', () => {
  beforeEach(async () => {
    previous = process.umask(0o077)
    directory = await mkdtemp(join(tmpdir(), 'megacache-umask-'))
    await chmod(directory, 0o1777)
    vi.stubEnv('TMPDIR', directory)
  })
  afterEach(async () => {
    process.umask(previous)
    vi.unstubAllEnvs()
    for (const step of undo.toReversed()) await step()
    undo = []
    await rm(directory, { recursive: true, force: true })
  })
  if (account === undefined) return

  test('programs that only root can use are copied so that the account can run them, and nobody else can change them', async () => {
    const native = await privateInstallation()
    const copy = await readableTree(native, account)
    expect(copy.startsWith(join(directory, 'megacache-postgres-'))).toBe(true)
    await runProgram(join(copy, 'bin/initdb'), [], account)
    for (const [path, mode] of [['', '755'], ['bin', '755'], ['bin/initdb', '755'], ['share', '755'], ['share/text', '644']] as const) {
      expect(await modeOf(join(copy, path)), path).toBe(mode)
    }
    expect(await readlink(join(copy, 'share/link'))).toBe('text')
    expect(await modeOf(join(native, 'share/text'))).toBe('600')
    const { ino } = await stat(copy)
    expect(await readableTree(native, account)).toBe(copy)
    expect((await stat(copy)).ino).toBe(ino)
  })

  test.each<[string, (copy: string) => Promise<unknown>]>([
    ['has lost a file', (copy) => rm(join(copy, 'share/text'))],
    ['has half a file', (copy) => truncate(join(copy, 'share/text'), 2)],
    ['has a file that others cannot read', (copy) => chmod(join(copy, 'share/text'), 0o600)],
    ['has a directory that others cannot search', (copy) => chmod(join(copy, 'bin'), 0o700)],
  ])('a copy that %s is made again', async (_what, spoil) => {
    const native = await privateInstallation()
    const copy = await readableTree(native, account)
    await spoil(copy)
    await runProgram(join(await readableTree(native, account), 'bin/initdb'), [], account)
    expect(await readFile(join(copy, 'share/text'), 'utf8')).toBe('text')
  })

  test('programs that the account can use where they are, are not copied', async () => {
    const native = await privateInstallation()
    await run('chmod', ['-R', 'go=rX', join(directory, 'private')])
    expect(await readableTree(native, account)).toBe(native)
    // As pnpm links files from a store that was filled under umask 077.
    await chmod(join(native, 'share/text'), 0o600)
    expect(await readableTree(native, account)).not.toBe(native)
  })

  test('programs in a place from which none may be run are told as that, with the setting that chose it', async ({ skip }) => {
    const place = join(directory, 'noexec')
    await mkdir(place)
    if (!(await run('mount', ['-t', 'tmpfs', '-o', 'noexec,mode=1777', 'tmpfs', place]).then(() => true, () => false))) return skip('this account may not mount')
    undo.push(() => run('umount', [place]))
    vi.stubEnv('TMPDIR', place)
    const copy = await readableTree(await privateInstallation(), account)
    await expect(runProgram(join(copy, 'bin/initdb'), [], account)).rejects.toMatchObject({
      code: 'embedded_unavailable', message: expect.stringMatching(new RegExp(`^${copy}/bin/initdb cannot be run: .*EACCES.*noexec.*TMPDIR`)),
    })
    return undefined
  })

  test('a temporary directory that is private to root is not used', async () => {
    await mkdir(join(directory, 'private'))
    vi.stubEnv('TMPDIR', join(directory, 'private'))
    expect(await sharedTemporaryDirectory(account)).toBe('/tmp')
  })

  test('directories that are made for the account can be walked through, and no more', async () => {
    await chmod(directory, 0o711)
    const deep = join(directory, 'a/b/c')
    await makeDirectory(deep)
    expect(await Promise.all(['a', 'a/b', 'a/b/c'].map((path) => modeOf(join(directory, path))))).toEqual(['701', '701', '701'])
    expect(await isReachable(deep, account)).toBe(true)
    await chmod(join(directory, 'a'), 0o700)
    await symlink(deep, join(directory, 'link'))
    expect(await isReachable(join(directory, 'link'), account)).toBe(false)
  })

  test('a server keeps its data where asked, to itself', async () => {
    await chmod(directory, 0o711)
    const embedded = await startEmbedded({ dataDir: join(directory, 'new/data') })
    await embedded.stop()
    expect(embedded.dataDir).toBe(join(directory, 'new/data'))
    const { mode, uid } = await stat(join(embedded.dataDir, 'pgdata'))
    expect([mode & 0o777, uid]).toEqual([0o700, account.uid])
    expect(await modeOf(join(embedded.dataDir, 'pgdata/megacache.password'))).toBe('600')
  })

  test('data that its account can no longer reach is not left behind for an empty cluster', async () => {
    await chmod(directory, 0o711)
    const dataDir = join(directory, 'data')
    await (await startEmbedded({ dataDir })).stop()
    await chmod(directory, 0o700)
    await expect(startEmbedded({ dataDir })).rejects.toMatchObject({ code: 'data_directory_unusable', message: expect.stringContaining('cannot reach') })
  })

  test('data that had to be kept elsewhere is found there again, also when the place asked for is in reach', async () => {
    const dataDir = join(directory, 'private/data')
    await mkdir(join(directory, 'private'))
    const embedded = await startEmbedded({ dataDir })
    await embedded.stop()
    undo.push(() => rm(embedded.dataDir, { recursive: true, force: true }))
    expect(embedded.dataDir).not.toContain(directory)
    expect(await usableDirectory(dataDir)).toBe(embedded.dataDir)
    await chmod(join(directory, 'private'), 0o711)
    expect(await usableDirectory(dataDir)).toBe(embedded.dataDir)
  })
})
