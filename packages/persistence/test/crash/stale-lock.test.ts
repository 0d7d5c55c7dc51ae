import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { birthOf, occupantOf, signalProcess } from '../../src/embedded/process-identity.ts'
import { type Embedded, startEmbedded } from '../../src/embedded.ts'

let directory: string
let clusterDir: string
let lockFile: string
/** A program that has PostgreSQL's name. */
let program: string
/** Another cluster, which is nobody's to signal. */
let stranger: Embedded
let sessionOfStranger: pg.Client
let account: { uid?: number, gid?: number }
let children: ChildProcess[] = []

/** A PostgreSQL in the directory would be taken for one whose owner died. */
const DEAD_OWNER = '2147483647\nlong ago\n2147483647\nlong ago'

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'megacache-stale-lock-'))
  await chmod(directory, 0o755)
  clusterDir = join(directory, 'pgdata')
  lockFile = join(clusterDir, 'postmaster.pid')
  program = join(directory, 'postgres')
  await copyFile('/bin/sleep', program)
  await chmod(program, 0o755)
  stranger = await startEmbedded()
  sessionOfStranger = new pg.Client(stranger.url)
  await sessionOfStranger.connect()
  await (await startEmbedded({ dataDir: directory })).stop()
  const { uid, gid } = await stat(clusterDir)
  account = process.getuid?.() === 0 ? { uid, gid } : {}
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  // What a test wrote belongs to root, and PostgreSQL could not replace it.
  await rm(lockFile, { recursive: true, force: true })
})

afterAll(async () => {
  await sessionOfStranger.end()
  await stranger.stop()
  await rm(directory, { recursive: true, force: true })
})

/** A lock file as PostgreSQL writes it: id, directory, start, port, socket directory, address, memory, status. */
const lock = (processId: number | string, lines = 8): string =>
  `${[processId, clusterDir, Math.floor(Date.now() / 1000), 5432, '', '127.0.0.1', '', 'ready'].slice(0, lines).join('\n')}\n`

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`after 60 s still not: ${what}`)
    await new Promise((done) => {
      setTimeout(done, 10)
    })
  }
}

/** A program in the data directory, under PostgreSQL's account. */
async function run(file: string, ...args: string[]): Promise<number> {
  const child = spawn(file, args, { ...account, cwd: clusterDir, stdio: 'ignore' })
  children.push(child)
  await once(child, 'spawn')
  return child.pid ?? 0
}

async function backendOfStranger(): Promise<number> {
  return (await sessionOfStranger.query<{ id: number }>('select pg_backend_pid() as id')).rows[0]?.id ?? 0
}

interface Orphan {
  readonly owner: ChildProcess
  readonly url: string
  readonly pid: number
}

async function startChild(): Promise<Orphan> {
  const owner = spawn(process.execPath, [join(import.meta.dirname, 'embedded-child.ts'), directory], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(owner)
  let text = ''
  for await (const data of owner.stdout) {
    text += String(data)
    if (text.includes('\n')) break
  }
  return { owner, ...JSON.parse(text) }
}

/** The shells that guard a PostgreSQL, and what they run, by name. */
async function guardsOf(pid: number): Promise<{ main: number, watchers: number[] }> {
  const fieldsOf = async (id: number | string): Promise<string[]> =>
    (await readFile(`/proc/${id}/stat`, 'latin1').catch(() => '')).split(/\) | /)
  const main = Number((await fieldsOf(pid))[3])
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const inSession = await Promise.all(ids.map(async (id) => {
    const [, name, , , , session] = await fieldsOf(id)
    return Number(session) === main && ['(sh', '(cat'].includes(name ?? '') && Number(id) !== main ? [Number(id)] : []
  }))
  return { main, watchers: inSession.flat() }
}

const isGone = (pid: number): boolean => birthOf(pid) === undefined

test.each([
  ['a pipe that nobody writes to', async () => void execFileSync('mkfifo', [lockFile])],
  ['a directory', async () => mkdir(lockFile)],
])('a lock that is %s is refused at once, and not waited for', async (_what, make) => {
  await make()
  await expect(startEmbedded({ dataDir: directory })).rejects.toMatchObject({
    code: 'data_directory_unusable', message: `${lockFile} is no regular file: remove it`,
  })
}, 20_000)

describe.runIf(process.platform === 'linux')('a lock file that no PostgreSQL of the directory holds does not keep it from starting, and nobody is signalled', () => {
  test.each<[string, () => string | Promise<string>]>([
    ['names another cluster', () => lock(stranger.pid)],
    ['was copied from a running cluster with its data', () => readFile(join(stranger.dataDir, 'pgdata/postmaster.pid'), 'utf8')],
    ['names a session of another cluster', async () => lock(await backendOfStranger())],
    ['names another cluster, with a minus as of a standalone PostgreSQL', () => lock(-stranger.pid)],
    ['names another cluster and has no eighth line', () => lock(stranger.pid, 5)],
    ['has one line', () => lock(stranger.pid, 1)],
    ['names our own process', () => lock(process.pid)],
    ['names the first process', () => lock(1)],
    ['names a program of the same account that works in the directory', async () => lock(await run('/bin/sleep', '60'))],
    ['names a program that only looks like PostgreSQL', async () => lock(await run('/bin/sh', '-c', 'sleep 60; :', 'postgres', '-D', clusterDir))],
    ['names more than an id can be', () => lock('99999999999')],
    ['is torn', () => String(stranger.pid)],
    ['is no lock at all', () => 'what is this?\n'],
    ['is empty', () => ''],
  ])('%s', async (_what, content) => {
    await writeFile(lockFile, await content(), { mode: 0o600 })
    await writeFile(join(clusterDir, 'megacache.owner'), DEAD_OWNER)
    const named = children.map(({ pid }) => pid ?? 0)
    const embedded = await startEmbedded({ dataDir: directory })
    await embedded.stop()
    // A signal would have come by now: the start is over.
    expect((await sessionOfStranger.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    for (const pid of [stranger.pid, ...named]) expect(isGone(pid)).toBe(false)
  })
})

describe.runIf(process.platform === 'linux')('a PostgreSQL in the directory', () => {
  test.each([
    ['no owner is known', ''],
    ['a dead owner started another one', DEAD_OWNER],
  ])('is refused and not signalled when %s', async (_what, record) => {
    // It cannot be told from one: its name and its directory are right.
    const pid = await run(program, '600')
    await until('the program runs', async () => occupantOf(pid, clusterDir) === 'server')
    await writeFile(join(clusterDir, 'megacache.owner'), record)
    await writeFile(lockFile, lock(pid), { mode: 0o600 })
    await expect(startEmbedded({ dataDir: directory })).rejects.toMatchObject({
      code: 'data_directory_in_use', message: expect.stringMatching(new RegExp(`^another process already runs on .*${pid}\\)$`)),
    })
    expect(isGone(pid)).toBe(false)
  })

  test('whose guard alone was killed is stopped', async () => {
    const embedded = await startEmbedded({ dataDir: directory })
    const { main } = await guardsOf(embedded.pid)
    process.kill(main, 'SIGKILL')
    await embedded.exited
    await until('it is gone', () => isGone(embedded.pid))
  })

  test('that lost both its owner and its guard is stopped, and the next start finds its data', async () => {
    const { owner, url, pid } = await startChild()
    const client = new pg.Client(url)
    client.on('error', () => {})
    await client.connect()
    await client.query('create table if not exists kept as select 7 as n')
    await client.end()
    const { main, watchers } = await guardsOf(pid)
    for (const guard of [...watchers, main]) process.kill(guard, 'SIGKILL')
    owner.kill('SIGKILL')
    await until('owner and guard are gone', () => [...watchers, main, owner.pid ?? 0].every(isGone))
    expect(isGone(pid)).toBe(false)
    const next = await startEmbedded({ dataDir: directory })
    try {
      expect(isGone(pid)).toBe(true)
    } finally {
      await next.stop()
    }
  })
})

test('a signal reaches the process that is meant, not a later one with its id', async () => {
  const pid = await run('/bin/sleep', '60')
  const birth = birthOf(pid)
  expect(birth).toBeDefined()
  expect(signalProcess(pid, undefined, 'SIGKILL')).toBe(false)
  expect(signalProcess(pid, birthOf(process.pid), 'SIGKILL')).toBe(false)
  expect(isGone(pid)).toBe(false)
  expect(signalProcess(pid, birth, 'SIGKILL')).toBe(true)
  await until('it has ended', () => isGone(pid))
  expect(signalProcess(pid, birth, 'SIGKILL')).toBe(false)
})
