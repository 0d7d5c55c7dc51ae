import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { saleIdOf } from '../harness/constant-load.ts'
import { fixturePerTest } from '../harness/fixture.ts'
import { lastingPort } from '../harness/free-port.ts'
import { readMetrics } from '../harness/metrics.ts'
import { RawSocket } from '../harness/raw-socket.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import type { TestDatabase } from '../harness/test-database.ts'
import { until } from '../harness/until.ts'

const TAKE_OVER = { args: ['--take-over'] }
const fixture = fixturePerTest()

interface Pair {
  readonly database: TestDatabase
  readonly old: ServerProcess
  readonly env: Readonly<Record<string, string>>
}

async function before(more: Readonly<Record<string, string>> = {}): Promise<Pair> {
  const database = await fixture.database()
  const env = {
    PORT: String(await lastingPort()), ADMIN_PORT: String(await lastingPort()), SALE_ITEMS: '200', THREADS: '1', RESERVATION_TTL: '30s', ...more,
  }
  return { database, old: await fixture.server(database, env), env }
}

const get = (path: string, headers = 'Host: a'): string => `GET ${path} HTTP/1.1\r\n${headers}\r\n\r\n`

describe('after a hand-over the old process passes on', () => {
  /** Everything that node:http reads and does not write, or that belongs to one connection only; and what came of it directly. */
  const ODD = [
    get('/livez', 'Host: a\r\nTrailer: Expires'),
    'POST /checkout?user_id=1&item_id=1 HTTP/1.1\r\nHost: a\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n',
    get('/livez', 'Host: a\r\nTE: trailers\r\nConnection: x-foo, TE\r\nX-Foo: bar'),
    get('/livez', 'Host: a\r\nUpgrade: websocket\r\nConnection: upgrade'),
    get('/livez', 'Host: a\r\nExpect: 100-continue'),
    get('/livez', 'Host: \xe9\xff\r\nX-Bytes: \xfe\xff'),
    get('/livez', 'Host: a\r\nHost: b\r\nAccept: a\r\nAccept: b'),
    get('/livez', `Host: a\r\nCookie: ${'c'.repeat(12_000)}`),
    get(`/livez?${'q'.repeat(15_000)}`),
    get('http://elsewhere.example/livez'),
    get('/livez?\xff\x80'),
    get('//livez'),
    get('*'),
    'GET /livez HTTP/1.0\r\n\r\n',
    ...['OPTIONS', 'PUT', 'PATCH', 'PROPFIND', 'M-SEARCH', 'QUERY', 'TRACE'].map((method) => `${method} /sale HTTP/1.1\r\nHost: a\r\n\r\n`),
  ]

  // The first of these ended the process with 70, and with it every other client's connection.
  test('every request that it would have served, whatever its headers are', { timeout: 60_000 }, async () => {
    const { database, old, env } = await before()
    const watched = await RawSocket.open(old.port)
    const sockets = await Promise.all(ODD.map(() => RawSocket.open(old.port)))
    await until('the connections are the old process\'s', async () => (await readMetrics(old)).get('megacache_http_connections')! > ODD.length)
    const next = await fixture.server(database, env, TAKE_OVER)
    ODD.forEach((request, index) => sockets[index]!.send(request))
    const passedOn = await Promise.all(sockets.map((socket) => lastAnswer(socket)))
    const direct = await Promise.all(ODD.map(async (request) => {
      const socket = await RawSocket.open(next.port)
      // Not the same item twice.
      socket.send(request.replace('item_id=1', 'item_id=2'))
      const answer = await lastAnswer(socket)
      socket.reset()
      return answer
    }))
    expect(passedOn.map(({ status }) => status)).toEqual(direct.map(({ status }) => status))
    expect(passedOn.map(({ headers }) => headers['connection'])).toEqual(ODD.map(() => 'close'))
    // Those of other clients are still there.
    watched.send(get('/livez'))
    expect(await watched.answer()).toMatchObject({ status: 200, body: 'alive' })
    expect((await old.exited).code).toBe(0)
    expect(old.logs.filter(({ level }) => level >= 50)).toEqual([])
  })

  // RFC 9112 section 9.6; A12: once the second of two was carried out by the successor, and never answered.
  test('pipelined requests up to the one whose answer says close, and none behind it', async () => {
    const { database, old, env } = await before({ USER_LIMIT: '200' })
    const sockets = await Promise.all(Array.from({ length: 10 }, () => RawSocket.open(old.port)))
    const checkout = (itemId: number): string => `POST /checkout?user_id=1&item_id=${itemId} HTTP/1.1\r\nHost: a\r\n\r\n`
    await until('the connections are the old process\'s', async () => (await readMetrics(old)).get('megacache_http_connections')! > sockets.length - 1)
    const next = await fixture.server(database, env, TAKE_OVER)
    const each = 6
    const codes = (await Promise.all(sockets.map(async (socket, number) => {
      const items = Array.from({ length: each }, (_, index) => number * each + index)
      // Some with one write and some behind it, of which the last come too late on some connections.
      socket.send(items.slice(0, 4).map(checkout).join(''))
      for (const item of items.slice(4)) setImmediate(() => socket.send(checkout(item)))
      const got: string[] = []
      for (let isLast = false; !isLast && got.length < each;) {
        const { status, body, headers } = await socket.answer()
        expect(status).toBe(200)
        got.push(body)
        isLast = headers['connection'] === 'close'
      }
      await socket.closed()
      expect([socket.error, socket.received]).toEqual([undefined, ''])
      socket.reset()
      return got
    }))).flat()
    expect(codes.length).toBeGreaterThanOrEqual(sockets.length)
    expect(await fixture.client(next).sale()).toMatchObject({ reserved: codes.length })
    expect(await database.query('select count(*)::int as count from checkouts')).toEqual([{ count: codes.length }])
    expect((await old.exited).code).toBe(0)
  })

  // The answer that says close is decided while the one before it waits for the database.
  test('nothing that comes behind an answer that says close', async () => {
    const { database, old, env } = await before()
    const socket = await RawSocket.open(old.port)
    await until('the connection is the old process\'s', async () => (await readMetrics(old)).get('megacache_http_connections')! > 0)
    const next = await fixture.server(database, env, TAKE_OVER)
    const checkout = (itemId: number): string => `POST /checkout?user_id=1&item_id=${itemId} HTTP/1.1\r\nHost: a\r\n\r\n`
    const answered = async (): Promise<number> => (await readMetrics(next)).get('megacache_http_answers_total{status="404"}') ?? 0
    const before404 = await answered()
    const holder = await database.hold('lock table checkouts in access exclusive mode')
    socket.send(`${checkout(1)}${get('/nowhere')}`)
    await until('the successor has answered the second', async () => await answered() > before404)
    await sleep(100)
    socket.send(checkout(2))
    await sleep(100)
    await holder.release()
    expect(await socket.answer()).toMatchObject({ status: 200 })
    expect(await socket.answer()).toMatchObject({ status: 404, headers: { connection: 'close' } })
    await socket.closed()
    expect(socket.received).toBe('')
    socket.reset()
    expect(await database.query('select item_id from checkouts')).toEqual([{ item_id: 1 }])
    expect((await old.exited).code).toBe(0)
  })

  test('a HEAD with its length, a page of items whole, and a refusal with its headers', async () => {
    const { database, old, env } = await before()
    const sockets = await Promise.all(Array.from({ length: 3 }, () => RawSocket.open(old.port)))
    const next = await fixture.server(database, env, TAKE_OVER)
    sockets[0]!.send('HEAD /items?limit=200 HTTP/1.1\r\nHost: a\r\n\r\n')
    sockets[1]!.send(get('/items?limit=200'))
    sockets[2]!.send('DELETE /sale HTTP/1.1\r\nHost: a\r\n\r\n')
    const [head, items, refusal] = [await sockets[0]!.answer(true), await sockets[1]!.answer(), await sockets[2]!.answer()]
    const direct = await fetch(`${next.url}/items?limit=200`)
    expect(items.body).toBe(await direct.text())
    expect(head.headers['content-length']).toBe(direct.headers.get('content-length'))
    expect([refusal.status, refusal.headers['allow'], refusal.headers['content-type']]).toEqual([405, 'GET, HEAD', 'application/problem+json'])
  })
})

describe('a hand-over waits for', () => {
  // 56 of 60 were told 503 after five seconds.
  test('look-ups of old codes that are on their way', { timeout: 60_000 }, async () => {
    const { database, old, env } = await before({ SALE_PERIOD: '2s', RESERVATION_TTL: '1s', SALE_ITEMS: '20' })
    const client = fixture.client(old)
    const code = await client.reserve(1, 1)
    await until('the sale of the code is retired', () => old.logs.some(({ msg, saleId }) => msg === 'sale retired' && saleId === saleIdOf(code)))
    const sockets = await Promise.all(Array.from({ length: 60 }, () => RawSocket.open(old.port)))
    const holder = await database.hold('lock table checkouts in access exclusive mode')
    for (const socket of sockets) socket.send(get(`/reservations/${code}`))
    await until('a look-up waits', async () => (await database.query(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%purchased%'`)).length > 0)
    // The successor's start reads the table as well; the predecessor's end waits for the look-ups meanwhile.
    const next = fixture.spawn(database, env, TAKE_OVER)
    await old.seen('handing over')
    await sleep(200)
    await holder.release()
    const answers = await Promise.all(sockets.map((socket) => socket.answer()))
    expect(answers.filter(({ status }) => status !== 200).map(({ status, body }) => `${status} ${body}`)).toEqual([])
    for (const { body } of answers) expect(JSON.parse(body)).toMatchObject({ code, state: 'expired' })
    await next.listening()
    expect((await old.exited).code).toBe(0)
  })

  // Reported before its writers have flushed, the successor would end their sessions, and the purchase be in doubt.
  test('purchases that are on their way, and is told of only then', async () => {
    const { database, old, env } = await before()
    const code = await fixture.client(old).reserve(1, 1)
    const buyer = await RawSocket.open(old.port)
    const holder = await database.hold('lock table purchases in access exclusive mode')
    buyer.send(`POST /purchase?code=${code} HTTP/1.1\r\nHost: a\r\n\r\n`)
    await until('the purchase waits', async () => (await database.query(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%record_purchases%'`)).length > 0)
    const next = fixture.spawn(database, env, TAKE_OVER)
    await old.seen('handing over')
    await sleep(400)
    expect([old.logged('handed over'), next.logged('lease acquired')]).toEqual([[], []])
    await holder.release()
    expect((await buyer.answer()).status).toBe(200)
    await next.listening()
    expect(await database.query('select item_id from purchases')).toEqual([{ item_id: 1 }])
    expect(next.logged('lease acquired')[0]!.time).toBeGreaterThanOrEqual(old.logged('handing over')[0]!.time + 400)
    expect((await fixture.client(next).purchase(code)).reason).toBe('already_purchased')
  })
})

/** The answer after a `100 Continue`. */
async function lastAnswer(socket: RawSocket): Promise<Awaited<ReturnType<RawSocket['answer']>>> {
  const answer = await socket.answer()
  return answer.status === 100 ? socket.answer() : answer
}
