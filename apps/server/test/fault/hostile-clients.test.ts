import { runSellOut } from '@megacache/loadgen'
import { execFile, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { fixturePerTest } from '../harness/fixture.ts'
import { answersOf, expectTrueLedger } from '../harness/ledger-check.ts'
import { readMetrics, sumOf } from '../harness/metrics.ts'
import { RawSocket } from '../harness/raw-socket.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { contradictions, endServerSessions, type TestDatabase } from '../harness/test-database.ts'
import { until } from '../harness/until.ts'
import { PostgresProxy } from './postgres-proxy.ts'

const IS_LONG = process.env['MEGACACHE_LONG_TESTS'] === 'on'
const ITEMS = 400
const ENV = { SALE_ITEMS: String(ITEMS), THREADS: '2', RESERVATION_TTL: '5s' }
const fixture = fixturePerTest()

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const post = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: a\r\n\r\n`

async function residentMb({ pid }: ServerProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

interface SlowReaders {
  readonly closed: number
  readonly isSent: boolean
  stop(): void
}

/** Connections with small receive buffers that send what they can and read little or nothing. */
async function slowReaders(
  server: ServerProcess, { count, request, bytesASecond, sentMax }: { count: number, request: string, bytesASecond: number, sentMax: number },
): Promise<SlowReaders> {
  const script = fileURLToPath(new URL('../harness/slow-readers.pl', import.meta.url))
  const child = spawn('perl', [script, String(server.port), String(count), String(bytesASecond), String(sentMax)], { stdio: ['pipe', 'pipe', 'inherit'] })
  let told = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { told += text })
  child.stdin.end(request)
  fixture.defer(() => child.kill('SIGKILL'))
  return {
    get closed() { return Number(told.match(/closed \d+/g)?.at(-1)?.split(' ')[1] ?? 0) },
    get isSent() { return told.includes('sent ') },
    stop: () => child.kill('SIGKILL'),
  }
}

/** Leaves nothing of them. */
function medianOf(values: number[]): number {
  const sorted = values.splice(0).toSorted((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? Infinity
}

/** The rest of the sale sells exactly, as if nobody else were there. */
async function expectSellsOut(server: ServerProcess, database: TestDatabase, items = ITEMS): Promise<void> {
  const result = await runSellOut({ url: server.url, connections: 16, users: items, durationMs: 30_000 })
  expect(result).toMatchObject({ ended: 'sold_out', abandonedCount: 0 })
  for (const status of [0, 500, 503]) expect(answersOf(result, status), `status ${status}`).toEqual({})
  await expectTrueLedger(database, result.history)
}

/** So many connections that have had one answer and then keep still. */
async function idleConnections(server: ServerProcess, count: number): Promise<RawSocket[]> {
  const sockets: RawSocket[] = []
  while (sockets.length < count) {
    sockets.push(...await Promise.all(Array.from({ length: Math.min(200, count - sockets.length) }, async () => {
      const socket = await RawSocket.open(server.port)
      socket.send(get('/livez'))
      expect((await socket.answer()).status).toBe(200)
      return socket
    })))
  }
  fixture.defer(() => sockets.forEach((socket) => socket.reset()))
  return sockets
}

describe('a server with hostile clients', () => {
  // P6, G13.
  test('holds thousands of idle connections and sells beside them', async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, ENV)
    const count = IS_LONG ? 10_000 : 2_000
    const sockets = await idleConnections(server, count)
    expect(sumOf(await readMetrics(server), 'megacache_http_connections')).toBeGreaterThanOrEqual(count)
    await expectSellsOut(server, database)
    expect(await residentMb(server)).toBeLessThan(500)
    for (const socket of sockets.slice(0, 50)) {
      socket.send(get('/livez'))
      expect((await socket.answer()).status).toBe(200)
    }
  })

  test.each([
    { path: '/items?from=0&limit=1000', what: 'long answers' },
    { path: '/openapi.json', what: 'the contract' },
    { path: '/checkout?user_id=x', what: 'refusals' },
  ])('stays small when clients ask for $what by the thousand and read none', async ({ path }) => {
    const database = await fixture.database()
    const server = await fixture.server(database, { ...ENV, SALE_ITEMS: '1000' })
    await sleep(500)
    const before = await residentMb(server)
    const request = get(path)
    const sockets: Socket[] = []
    fixture.defer(() => sockets.forEach((socket) => socket.destroy()))
    for (let index = 0; index < 8; index++) {
      const socket = connect({ host: '127.0.0.1', port: server.port })
      socket.on('error', () => {})
      socket.pause()
      socket.write(request.repeat(4_000))
      sockets.push(socket)
    }
    let peak = 0
    for (let look = 0; look < 30; look++) {
      await sleep(100)
      peak = Math.max(peak, await residentMb(server))
    }
    expect(peak - before).toBeLessThan(200)
    expect((await fixture.client(server).checkout(1, 1)).status).toBe(200)
    // What was held for them is given back with them.
    sockets.splice(0).forEach((socket) => socket.destroy())
    await until('long answers are given again', async () => (await fixture.client(server).call('GET', '/items?from=0&limit=1000')).status === 200)
  })

  // 2,100 requests of 31 bytes come with one read, and node:http makes all of them: 1.2 GB for 160 such clients once. What any traffic
  // makes V8 take is none of their cost: the young generation has its full size, and as many clients that read are served before.
  test('holds little for clients that pipeline and read nothing, cuts them, keeps a slow reader, and answers others meanwhile', { timeout: 120_000 }, async () => {
    const server = await fixture.server(await fixture.database(), { ...ENV, THREADS: '1' }, { nodeArgs: ['--min-semi-space-size=16'] })
    const client = fixture.client(server)
    const [count, long] = [200, get('/items?from=0&limit=100')]
    const tookMs: number[] = []
    let peak = 0
    const look = async (): Promise<void> => {
      const { tookMs: took, status } = await client.call('GET', '/livez')
      expect(status).toBe(200)
      tookMs.push(took)
      peak = Math.max(peak, await residentMb(server))
    }
    const kinds = [get('/livez'), post('/checkout?user_id=x'), long]
    const each = 4
    const readers = await Promise.all(Array.from({ length: count }, () => RawSocket.open(server.port)))
    for (let round = 0; round < 8; round++) {
      for (const request of kinds) {
        await Promise.all(readers.map(async (socket) => {
          socket.send(request.repeat(each))
          for (let index = 0; index < each; index++) await socket.answer()
        }))
        await look()
      }
    }
    readers.forEach((socket) => socket.reset())
    const warm = peak
    for (let index = 0; index < 50; index++) await look()
    const alone = medianOf(tookMs)
    const slow = await slowReaders(server, { count: 1, request: long, bytesASecond: 65_536, sentMax: 100_000 })
    // The system takes some megabytes of each client's answers. Only these ask for more short ones than that, which takes its time.
    const few = await slowReaders(server, { count: 8, request: kinds[0]!, bytesASecond: 0, sentMax: 4_000_000 })
    for (const request of kinds) {
      peak = 0
      const silent = await slowReaders(server, { count, request, bytesASecond: 0, sentMax: request === long ? 100_000 : 40_000 })
      await until('they have sent what they may, or are cut', async () => {
        await look()
        return request === long ? silent.closed + few.closed === count + 8 : silent.isSent
      }, 60_000, 50)
      silent.stop()
      // Of long answers 8 MiB wait in all, some of them in three copies, and there is the garbage of making fifty thousand pages.
      expect((peak - warm) * 1024 / count, request).toBeLessThan(request === long ? 256 : 64)
      expect(medianOf(tookMs)).toBeLessThan(50 + alone)
    }
    expect(slow.closed).toBe(0)
    expect((await readMetrics(server)).get('megacache_http_connections_ended_total{why="unread"}')).toBe(8 + count)
    slow.stop()
    await until('nothing is held for them', async () => (await readMetrics(server)).get('megacache_http_held{what="requests"}') === 0)
  })

  test('sends slow writers away with 408 and sells meanwhile', async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, ENV)
    const slow = await Promise.all(Array.from({ length: 200 }, async () => {
      const socket = await RawSocket.open(server.port)
      socket.send('POST /checkout?user_id=1&item_id=1 HTTP/1.1\r\nHo')
      return socket
    }))
    await expectSellsOut(server, database)
    const answers = await Promise.all(slow.map((socket) => socket.answer(false, 9_000)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([408]))
    slow.forEach((socket) => socket.reset())
    await until('they are gone', async () => sumOf(await readMetrics(server), 'megacache_http_connections') <= 1)
  })

  test('lets connections come and go by the thousand, whatever state they are in', async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, ENV)
    const beginnings = ['', 'POST', get('/sale'), post('/checkout?user_id=900000&item_id=3'), 'PO\0ST / HTTP/9\r\n\r\n']
    for (let round = 0; round < 8; round++) {
      await Promise.all(Array.from({ length: 200 }, async (_, index) => {
        const socket = await RawSocket.open(server.port)
        socket.send(beginnings[index % beginnings.length]!)
        if (index % 3 === 0) await sleep(5)
        if (index % 2 === 0) socket.reset()
        else socket.finish()
        // Those that only end their side go when they have their answer, or by the reset here.
        setTimeout(() => socket.reset(), 50)
      }))
    }
    await until('they are gone', async () => sumOf(await readMetrics(server), 'megacache_http_connections') === 0)
    // A checkout whose client has gone takes its item for as long as it may.
    await sleep(5_100)
    await expectSellsOut(server, database)
  })

  test('that run it out of descriptors delay it, and it comes back, also to its database', async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, ENV)
    await promisify(execFile)('prlimit', ['--pid', String(server.pid), '--nofile=160:160'])
    const sockets: Socket[] = []
    const release = (): void => sockets.splice(0).forEach((socket) => socket.destroy())
    fixture.defer(release)
    for (let index = 0; index < 600; index++) {
      const socket = connect({ host: '127.0.0.1', port: server.port })
      socket.on('error', () => {})
      socket.on('data', () => {})
      socket.write(get('/livez'))
      sockets.push(socket)
    }
    await sleep(500)
    // Nothing is left for a new connection to the database either.
    expect(await endServerSessions(database)).toBeGreaterThan(0)
    await sleep(2_000)
    expect(server.exit).toBeUndefined()
    release()
    // The supervisor needs a descriptor for its own port first.
    await until('it is ready, in both threads', async () => {
      const figures = await readMetrics(server).catch(() => new Map<string, number>())
      return figures.get('megacache_storage_available_threads') === 2 && await fetch(`${server.url}/readyz`).then(({ status }) => status === 200, () => false)
    }, 15_000, 50)
    await expectSellsOut(server, database)
  })
})

describe('a server whose storage is slow', () => {
  test('gives each of 200 clients an answer in time, and is itself again afterwards', async () => {
    const database = await fixture.database()
    const proxy = await PostgresProxy.before(database.url)
    fixture.defer(() => proxy.close())
    const server = await fixture.server(database, { ...ENV, RESERVATION_TTL: '120s', USER_LIMIT: '1000', DATABASE_URL: proxy.url })
    const client = fixture.client(server, 200)
    const normal = await client.checkout(1, ITEMS - 1)
    // The first batches are answered in time, and those that wait for them long after it.
    proxy.delayMs = 2_900
    const asked = Promise.all(Array.from({ length: 200 }, (_, itemId) => client.checkout(1, itemId)))
    // Looked at only below: one that fails early must not count as unhandled.
    asked.catch(() => {})
    await until('the first batch is written', async () => (await database.query('select 1 from checkouts')).length > 1)
    await sleep(200)
    proxy.delayMs = 7_500
    const slow = await asked
    for (const { status, headers, tookMs, reason } of slow) {
      expect(tookMs).toBeLessThan(9_000)
      if (status === 200) continue
      expect({ status, reason }).toEqual({ status: 503, reason: 'storage_unavailable' })
      expect(headers['retry-after']).toMatch(/^\d+$/)
    }
    const codes = slow.filter(({ status }) => status === 200).map(({ text }) => text)
    expect(codes.length).toBeGreaterThan(0)
    proxy.delayMs = 0
    await until('no row waits', async () => sumOf(await readMetrics(server), 'megacache_batch_rows_waiting') === 0, 30_000)
    // The renewal of the lease was as slow: until it has come the instance does not know that it is the active one.
    await until('the server is ready', async () => (await fetch(`${server.url}/readyz`)).status === 200, 30_000)
    // Every code that was given is good.
    for (const code of [...codes, normal.text]) expect((await client.purchase(code)).status).toBe(200)
    expect(await contradictions(database)).toEqual([])
  })

  // G13: the bound of the queue, before anything is changed.
  test('refuses what its queue has no room for, with Retry-After, and forgets nothing that it took', async () => {
    // Eight requests come with one read.
    const [connections, each, room] = [1_200, 8, 8_192 + 512]
    const sent = connections * each
    const database = await fixture.database()
    const server = await fixture.server(database, { SALE_ITEMS: '10000', USER_LIMIT: '1000', THREADS: '1', RESERVATION_TTL: '60s' })
    const sockets = await Promise.all(Array.from({ length: connections }, () => RawSocket.open(server.port)))
    const holder = await database.hold('lock table checkouts in access exclusive mode')
    sockets.forEach((socket, number) => socket.send(Array.from({ length: each }, (_, index) => {
      const itemId = number * each + index
      return post(`/checkout?user_id=${itemId % 100}&item_id=${itemId}`)
    }).join('')))
    await until('each is taken or refused', async () => {
      const figures = await readMetrics(server)
      const waiting = sumOf(figures, 'megacache_batch_rows_waiting')
      expect(waiting).toBeLessThanOrEqual(room)
      return waiting + (figures.get('megacache_http_problems_total{reason="overloaded"}') ?? 0) === sent
    }, 10_000, 20)
    await holder.release()
    const answers = (await Promise.all(sockets.map(async (socket) => {
      const got = []
      for (let index = 0; index < each; index++) got.push(await socket.answer())
      return got
    }))).flat()
    sockets.forEach((socket) => socket.reset())
    const overloaded = answers.filter(({ body }) => body.includes('"overloaded"'))
    expect(overloaded.length).toBeGreaterThanOrEqual(sent - room)
    expect(answers.filter(({ status }) => status === 200).length).toBe(sent - overloaded.length)
    for (const { status, headers } of overloaded) expect([status, headers['retry-after']]).toEqual([503, '1'])
    // A refusal for want of room has changed nothing: exactly the others have their items.
    const client = fixture.client(server)
    expect(await client.sale()).toMatchObject({ reserved: sent - overloaded.length })
    expect(await database.query('select count(*)::int as count from checkouts')).toEqual([{ count: sent - overloaded.length }])
    const codes = answers.filter(({ status }) => status === 200).map(({ body }) => body)
    for (const code of codes.slice(0, 20)) expect((await client.purchase(code)).status).toBe(200)
  })
})
