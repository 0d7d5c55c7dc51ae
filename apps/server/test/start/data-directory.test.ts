import { execFile } from 'node:child_process'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { dataDirectory } from '../harness/data-directory.ts'
import { fixturePerTest } from '../harness/fixture.ts'
import { within } from '../harness/until.ts'

const fixture = fixturePerTest()
const run = promisify(execFile)

/** Without an end of its own it would hang: far above what a loaded machine needs. */
async function expectUnusable(dataDir: string, line: RegExp, env: Record<string, string> = {}): Promise<void> {
  const server = fixture.spawn(undefined, { DATA_DIR: dataDir, UNSAFE_DATABASE: undefined, ...env })
  expect(await within(60_000, `an end with DATA_DIR=${dataDir}`, server.exited), server.stderr).toEqual({ code: 69, signal: null })
  expect(server.stderrLines).toEqual([expect.stringMatching(line)])
}

/** A file system of its own at the path; undefined where this account may not mount one. */
async function mountAt(path: string, options: string): Promise<boolean> {
  const isMounted = await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]).then(() => true, () => false)
  if (isMounted) fixture.defer(() => run('umount', [path]))
  return isMounted
}

describe('a data directory that cannot be used is told in one line', () => {
  // Node's own mkdir never came back from the first.
  test.runIf(process.platform === 'linux').each(['/proc/nope', '/proc/nope/deep/er', '/sys/nope', '/dev/null', '/dev/null/below'])('%s', async (dataDir) => {
    await expectUnusable(dataDir, new RegExp(`^megacache: DATA_DIR ${dataDir} cannot be used: [A-Z]+: .*, mkdir '`))
  })

  test('a file, what is below a file, a link to nowhere, and a name that is too long', async () => {
    const directory = await dataDirectory(fixture)
    const file = join(directory, 'file')
    await writeFile(file, '')
    await symlink(join(directory, 'nowhere'), join(directory, 'link'))
    await expectUnusable(file, /^megacache: DATA_DIR .* cannot be used: (EEXIST|ENOTDIR)/)
    await expectUnusable(join(file, 'below'), /^megacache: DATA_DIR .* cannot be used: ENOTDIR/)
    await expectUnusable(join(directory, 'link'), /^megacache: DATA_DIR .* cannot be used: E/)
    await expectUnusable(join(directory, 'x'.repeat(300)), /^megacache: DATA_DIR .* cannot be used: ENAMETOOLONG/)
  })

  test('a read-only place, and a full one', async ({ skip }) => {
    const directory = await dataDirectory(fixture)
    const places = ['readonly', 'full'].map((name) => join(directory, name))
    const [readonly = '', full = ''] = places
    for (const place of places) await mkdir(place)
    if (!(await mountAt(readonly, 'ro,mode=755'))) return skip('this account may not mount')
    await mountAt(full, 'size=64k,mode=755')
    for (const dataDir of [readonly, join(readonly, 'missing/deep')]) {
      await expectUnusable(dataDir, /^megacache: DATA_DIR .* cannot be used: EROFS: read-only file system/)
    }
    await expectUnusable(full, /^megacache: .*(ENOSPC|No space left on device)/)
    return undefined
  })
})

test.runIf(process.getuid?.() === 0)('as root a data directory that others cannot reach is used elsewhere, and a warning says where', async () => {
  const directory = await dataDirectory(fixture)
  const hidden = join(directory, 'private')
  await mkdir(hidden)
  await chmod(hidden, 0o700)
  const server = await fixture.spawn(undefined, { DATA_DIR: join(hidden, 'data'), UNSAFE_DATABASE: undefined, SALE_ITEMS: '10', THREADS: '1' }).listening()
  const [warning] = server.logged('the data is in ')
  expect(warning).toMatchObject({ level: 40, dataDir: expect.stringMatching(/megacache-data-[0-9a-f]{12}$/) })
  fixture.defer(() => run('rm', ['-rf', String(warning?.['dataDir'])]))
  expect((await server.stop()).code).toBe(0)
})
