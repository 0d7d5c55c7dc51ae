import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Embedded, startEmbedded } from '../../src/embedded.ts'

interface Report {
  readonly url?: string
  readonly pid?: number
  readonly code?: string
  readonly message?: string
}

let directory: string
let children: ChildProcess[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'megacache-embedded-test-'))
  await chmod(directory, 0o755)
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  await until(async () => (await serversOf(directory)).length === 0)
  await rm(directory, { recursive: true, force: true })
})

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 15_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('the condition did not come true within 15 s')
    await new Promise((done) => {
      setTimeout(done, 10)
    })
  }
}

/** The ids of processes that were started with the directory in their command line, by /proc. */
async function serversOf(path: string): Promise<number[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(ids.map(async (id) => {
    const command = await readFile(`/proc/${id}/cmdline`, 'latin1').catch(() => '')
    return command.includes(path) && command.includes('postgres') && !command.includes('embedded-child') ? [id] : []
  }))
  return found.flat()
}

/** The process that has noted that it runs the cluster. */
async function ownerOf(path: string): Promise<number> {
  return Number.parseInt(await readFile(join(path, 'pgdata/megacache.owner'), 'utf8'), 10)
}

async function startChild(): Promise<{ child: ChildProcess, report: Report }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'embedded-child.ts'), directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  let text = ''
  for await (const data of child.stdout) {
    text += String(data)
    if (text.includes('\n')) break
  }
  return { child, report: JSON.parse(text) }
}

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

async function withServer(run: (embedded: Embedded) => Promise<void>): Promise<void> {
  const embedded = await startEmbedded({ dataDir: directory })
  try {
    await run(embedded)
  } finally {
    await embedded.stop()
  }
}

describe('the embedded server', () => {
  test('keeps its data where asked, is durable, and stops with nothing left running', async () => {
    await withServer(async ({ url, dataDir, pid }) => {
      expect(dataDir).toBe(directory)
      await query(url, 'create table kept (n int)')
      const [facts] = await query(url, `select current_setting('fsync') f, current_setting('full_page_writes') p,
        current_setting('synchronous_commit') s, current_setting('listen_addresses') a`)
      expect(facts).toEqual({ f: 'on', p: 'on', s: 'on', a: '127.0.0.1' })
      expect(await readFile(join(directory, 'pgdata/postmaster.pid'), 'utf8')).toMatch(new RegExp(`^${pid}\n`))
    })
    expect(await serversOf(directory)).toEqual([])
    await withServer(async ({ url }) => {
      expect(await query(url, 'select count(*)::int as n from kept')).toEqual([{ n: 0 }])
    })
  })

  test.runIf(process.getuid?.() === 0)('as root runs under an unprivileged account that owns the data', async () => {
    await withServer(async () => {
      expect((await stat(join(directory, 'pgdata'))).uid).not.toBe(0)
    })
  })

  test.runIf(process.getuid?.() === 0)('as root says where the data is when the account cannot reach the place asked for', async () => {
    await chmod(directory, 0o700)
    const embedded = await startEmbedded({ dataDir: join(directory, 'deep') })
    try {
      expect(embedded.dataDir).not.toContain(directory)
      expect((await stat(join(embedded.dataDir, 'pgdata/PG_VERSION'))).isFile()).toBe(true)
    } finally {
      await embedded.stop()
      await rm(embedded.dataDir, { recursive: true, force: true })
    }
  })

  test('a throw-away cluster is gone after its stop', async () => {
    const embedded = await startEmbedded()
    expect(await query(embedded.url, `select current_setting('fsync') as fsync`)).toEqual([{ fsync: 'off' }])
    await embedded.stop()
    await expect(stat(embedded.dataDir)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('refuses a second start on its directory with one clear line, and goes on serving', async () => {
    await withServer(async ({ url, pid }) => {
      await expect(startEmbedded({ dataDir: directory })).rejects.toMatchObject({
        code: 'data_directory_in_use', message: expect.stringMatching(new RegExp(`^another process already runs on .*${pid}\\)$`)),
      })
      const { report } = await startChild()
      expect(report).toMatchObject({ code: 'data_directory_in_use' })
      // A refused start must not have made the running one look like an orphan.
      expect(await ownerOf(directory)).toBe(process.pid)
      expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
    })
  })

  test('two first starts at once: one serves, the other is told, the cluster is whole', async () => {
    const results = await Promise.all([startChild(), startChild()])
    const winner = results.find(({ report }) => report.url !== undefined)
    expect(results.flatMap(({ report }) => report.code ?? [])).toEqual(['data_directory_in_use'])
    expect(await ownerOf(directory)).toBe(winner?.child.pid)
    expect(await query(winner?.report.url ?? '', 'select 1 as one')).toEqual([{ one: 1 }])
    expect((await readdir(directory)).toSorted()).toEqual(['pgdata'])
  })

  test('ends with its process, killed with -9, and the next start at once works with the data', async () => {
    const { child, report } = await startChild()
    await query(report.url ?? '', 'create table kept as select 7 as n')
    // A busy session makes the shutdown take a moment.
    const busy = query(report.url ?? '', 'select pg_sleep(30)').catch(() => [])
    const ended = new Promise((done) => {
      child.once('exit', done)
    })
    child.kill('SIGKILL')
    await ended
    await withServer(async ({ url }) => {
      expect(await query(url, 'select n from kept')).toEqual([{ n: 7 }])
    })
    await busy
    await until(async () => (await serversOf(directory)).length === 0)
  })

  test('starts over what a crash of PostgreSQL itself left behind, and reports that it ended', async () => {
    const embedded = await startEmbedded({ dataDir: directory })
    await query(embedded.url, 'create table kept as select 7 as n')
    process.kill(embedded.pid, 'SIGKILL')
    expect(await embedded.exited).toMatchObject({ isExpected: false })
    await embedded.stop()
    expect((await stat(join(directory, 'pgdata/postmaster.pid'))).isFile()).toBe(true)
    await withServer(async ({ url }) => {
      expect(await query(url, 'select n from kept')).toEqual([{ n: 7 }])
    })
  })

  test('is not blocked by a lock file whose process id another program has by now', async () => {
    await withServer(async () => {})
    await writeFile(join(directory, 'pgdata/postmaster.pid'), `${process.pid}\n${directory}\n1\n5432\n\n\n\nready\n`)
    await withServer(async ({ url }) => {
      expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
    })
  })

  test('is not blocked by a lock file whose process is dead and not yet waited for', async () => {
    await withServer(async () => {})
    // The shell becomes a sleep that never waits for its child; both under the account of PostgreSQL.
    const { uid, gid } = await stat(join(directory, 'pgdata'))
    const parent = spawn('/bin/sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 30'], {
      ...(process.getuid?.() === 0 ? { uid, gid } : {}), stdio: ['ignore', 'pipe', 'ignore'],
    })
    children.push(parent)
    const [data] = await once(parent.stdout, 'data')
    const dead = Number.parseInt(String(data), 10)
    await until(async () => (await readFile(`/proc/${dead}/stat`, 'latin1')).includes(') Z '))
    await writeFile(join(directory, 'pgdata/postmaster.pid'), `${dead}\n${directory}\n1\n5432\n\n\n\nready\n`)
    await withServer(async ({ url }) => {
      expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
    })
  })

  test('says in one line why PostgreSQL does not start', async () => {
    await withServer(async () => {})
    await expect(startEmbedded({ dataDir: directory, settings: { shared_buffers: 'much' } })).rejects.toMatchObject({
      code: 'embedded_start_failed', message: expect.stringMatching(/^PostgreSQL did not start: .*shared_buffers.*$/),
    })
    expect(await serversOf(directory)).toEqual([])
  })
})
