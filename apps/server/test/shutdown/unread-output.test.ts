import { closeSync, openSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fixturePerTest } from '../harness/fixture.ts'
import { lastingPort } from '../harness/free-port.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { endServerSessions, type TestDatabase } from '../harness/test-database.ts'
import { UnreadPipe } from '../harness/unread-pipe.ts'
import { until, within } from '../harness/until.ts'

const ENV = { THREADS: '1', SALE_ITEMS: '10', LOG_LEVEL: 'trace' }
/** The end of a process that does not wait for a reader; far above what it takes, for it catches a process that hangs. */
const END_MS_MAX = 12_000
const BREAKS_AT_A_SIGNAL = `--import=data:text/javascript,${encodeURIComponent(
  "import { isMainThread } from 'node:worker_threads'; if (isMainThread) process.on('SIGUSR2', () => { throw new Error('broken for a test') })")}`
const fixture = fixturePerTest()

/** A full pipe as standard output and standard error of a server. */
function fullPipe(): UnreadPipe {
  const pipe = new UnreadPipe()
  pipe.fill()
  fixture.defer(() => pipe.close())
  return pipe
}

function descriptor(fd: number): number {
  fixture.defer(() => closeSync(fd))
  return fd
}

/** A server whose output is not seen, when it is ready. */
async function serverWith(
  outputs: { stdout: number, stderr: number }, nodeArgs: string[] = [],
): Promise<{ server: ServerProcess, url: string, database: TestDatabase }> {
  const database = await fixture.database()
  const port = await lastingPort()
  const server = fixture.spawn(database, { ...ENV, PORT: String(port) }, { ...outputs, nodeArgs })
  const url = `http://127.0.0.1:${port}`
  await until('it is ready', () => fetch(`${url}/readyz`).then(({ status }) => status === 200, () => false), 30_000, 50)
  return { server, url, database }
}

const raiseEpoch = (database: TestDatabase): Promise<unknown> => database.query('update lease set epoch = epoch + 1')

describe('a server whose output nobody reads', () => {
  // Standard output blocked the main thread: it was fenced, answered reads with 200, and never ended.
  test('and whose pipes are full starts, and ends with 75 when another instance has taken over', async () => {
    const { writeEnd } = fullPipe()
    const { server, database } = await serverWith({ stdout: writeEnd, stderr: writeEnd })
    await raiseEpoch(database)
    expect(await within(END_MS_MAX, 'its end', server.exited)).toEqual({ code: 75, signal: null })
  })

  test('and whose pipes are full answers while it logs, and drains in order', async () => {
    const { writeEnd } = fullPipe()
    const { server, url, database } = await serverWith({ stdout: writeEnd, stderr: writeEnd })
    for (let user = 0; user < 3; user++) {
      await endServerSessions(database)
      await until('it serves again', async () => (await fetch(`${url}/checkout?user_id=${user}&item_id=${user}`, { method: 'POST' })).status === 200)
    }
    expect(await server.stop('SIGTERM', END_MS_MAX)).toEqual({ code: 0, signal: null })
  })

  test('and whose pipes are full stops when it breaks', async () => {
    const { writeEnd } = fullPipe()
    const { server } = await serverWith({ stdout: writeEnd, stderr: writeEnd }, [BREAKS_AT_A_SIGNAL])
    server.signal('SIGUSR2')
    expect(await within(END_MS_MAX, 'its end', server.exited)).toEqual({ code: 70, signal: null })
  })

  test('because the reader is gone serves and drains in order', async () => {
    const gone = descriptor(UnreadPipe.closed())
    const { server, url } = await serverWith({ stdout: gone, stderr: gone })
    expect((await fetch(`${url}/checkout?user_id=1&item_id=1`, { method: 'POST' })).status).toBe(200)
    expect(await server.stop('SIGTERM', END_MS_MAX)).toEqual({ code: 0, signal: null })
  })

  test('because its disk is full is fenced all the same', async () => {
    const full = descriptor(openSync('/dev/full', 'w'))
    const { server, database } = await serverWith({ stdout: full, stderr: full })
    await raiseEpoch(database)
    expect(await within(END_MS_MAX, 'its end', server.exited)).toEqual({ code: 75, signal: null })
  })

  test.each([
    ['a wrong setting', { PORT: 'http' }, 2],
    ['a database that is not there', { DATABASE_URL: 'postgres://a@127.0.0.1:1/a' }, 69],
  ])('ends with its status when it cannot start: %s', async (_why, env, status) => {
    const { writeEnd } = fullPipe()
    const server = fixture.spawn(undefined, { DATABASE_URL: 'postgres://a@127.0.0.1:1/a', ...env }, { stdout: writeEnd, stderr: writeEnd })
    expect(await within(END_MS_MAX + 10_000, 'its end', server.exited)).toEqual({ code: status, signal: null })
  })
})
