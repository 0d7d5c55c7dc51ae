import { runSellOut } from '@megacache/loadgen'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { dataDirectory, expectNoProcess, processesOn } from '../harness/data-directory.ts'
import { fixturePerTest } from '../harness/fixture.ts'
import { answersOf, expectTrueLedger } from '../harness/ledger-check.ts'
import { lastingPort } from '../harness/free-port.ts'
import { RawSocket } from '../harness/raw-socket.ts'
import { contradictions } from '../harness/test-database.ts'
import { until } from '../harness/until.ts'

const fixture = fixturePerTest()
const request = (target: string): string => `POST ${target} HTTP/1.1\r\nHost: sale\r\n\r\n`

describe('SIGTERM', () => {
  // Defect 13: connections were cut, and purchases committed but never answered.
  test('under load answers every request that was written, cuts no connection and keeps everything acknowledged', async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, { SALE_ITEMS: '20000', USER_LIMIT: '1000', THREADS: '2' })
    const sockets = await Promise.all(Array.from({ length: 64 }, () => RawSocket.open(server.port)))
    let isEnding = false
    const codes: string[] = []
    const purchased: string[] = []
    // Each writes its next request only when the last answer did not announce the end of the connection.
    const drive = async (socket: RawSocket, lane: number): Promise<void> => {
      for (let itemId = lane; itemId < 20_000; itemId += sockets.length) {
        socket.send(request(`/checkout?user_id=${lane}&item_id=${itemId}`))
        const reserved = await socket.answer()
        if (reserved.status === 503) expect(isEnding).toBe(true)
        else expect(reserved.status).toBe(200)
        if (reserved.status === 200) codes.push(reserved.body)
        if (reserved.headers['connection'] === 'close') return socket.closed()
        socket.send(request(`/purchase?code=${reserved.body}`))
        const bought = await socket.answer()
        expect(bought.status).toBe(200)
        purchased.push(reserved.body)
        if (bought.headers['connection'] === 'close') return socket.closed()
      }
    }
    const ends = Promise.all(sockets.map(drive))
    await until('it sells', () => purchased.length > 200, 20_000, 5)
    isEnding = true
    const exit = server.stop()
    await ends
    expect(await exit).toEqual({ code: 0, signal: null })
    for (const socket of sockets) expect([socket.error, socket.received]).toEqual([undefined, ''])
    expect(purchased.length).toBeGreaterThan(100)
    const rows = new Set((await database.query<{ code: string }>('select code::text from purchases')).map(({ code }) => code))
    expect(purchased.filter((code) => !rows.has(code))).toEqual([])
    expect(rows.size).toBe(purchased.length)
    const reservations = new Set((await database.query<{ code: string }>('select code::text from checkouts')).map(({ code }) => code))
    expect(codes.filter((code) => !reservations.has(code))).toEqual([])
    expect(await contradictions(database)).toEqual([])
    expect(server.stderr).toBe('')
    expect(server.logs.filter(({ level }) => level >= 50)).toEqual([])
  })

  test('in the middle of a sell-out loses nothing, and the next start finishes it', async () => {
    const database = await fixture.database()
    const env = { SALE_ITEMS: '3000', THREADS: '2', RESERVATION_TTL: '3s', PORT: String(await lastingPort()) }
    const first = await fixture.server(database, env)
    const run = runSellOut({ url: first.url, connections: 64, users: 400, durationMs: 120_000, rideThroughMs: 60_000 })
    await sleep(300)
    expect((await first.stop()).code).toBe(0)
    await fixture.server(database, env)
    const result = await run
    expect(result).toMatchObject({ ended: 'sold_out' })
    // Connections are refused while nobody listens; none is reset, and no request stays without its answer.
    const broken = Object.keys(answersOf(result, 0)).filter((key) => !key.includes('ECONNREFUSED'))
    expect(broken).toEqual([])
    expect(answersOf(result, 500)).toEqual({})
    await expectTrueLedger(database, result.history)
  })

  test('with pipelined requests answers the first and resets nothing', async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, { SALE_ITEMS: '1000', USER_LIMIT: '1000', THREADS: '1' })
    const socket = await RawSocket.open(server.port)
    socket.send('GET /livez HTTP/1.1\r\nHost: sale\r\n\r\n')
    await socket.answer()
    const exit = server.stop()
    socket.send(Array.from({ length: 3 }, (_, itemId) => request(`/checkout?user_id=1&item_id=${itemId}`)).join(''))
    const first = await socket.answer()
    expect([200, 503]).toContain(first.status)
    expect((await exit).code).toBe(0)
    expect(socket.error).toBeUndefined()
  })

  test('while idle ends quickly, also with connections that stay open and say nothing', async () => {
    const database = await fixture.database()
    const idle = await fixture.server(database, { THREADS: '2', SALE_ITEMS: '10' })
    let askedAt = performance.now()
    expect(await idle.stop()).toEqual({ code: 0, signal: null })
    // Its grace of five seconds is not used up.
    expect(performance.now() - askedAt).toBeLessThan(4_000)

    const watched = await fixture.server(database, { THREADS: '2', SALE_ITEMS: '10' })
    const sockets = await Promise.all(Array.from({ length: 8 }, () => RawSocket.open(watched.port)))
    sockets[0]!.send('GET /livez HTTP/1.1\r\nHost: sale\r\n\r\n')
    await sockets[0]!.answer()
    // Half a request and a silent connection: defect 7, one such client delayed the end by seconds.
    sockets[1]!.send('POST /checkout?user_id=1')
    askedAt = performance.now()
    expect(await watched.stop()).toEqual({ code: 0, signal: null })
    expect(performance.now() - askedAt).toBeLessThan(4_000)
    await Promise.all(sockets.map((socket) => socket.closed()))
  })

  test('is seen by readiness before the port closes, and the admin port ends too', async () => {
    const server = await fixture.server(await fixture.database(), { THREADS: '1', SALE_ITEMS: '10' })
    const socket = await RawSocket.open(server.port)
    const other = await RawSocket.open(server.port)
    const both = 'GET /readyz HTTP/1.1\r\nHost: sale\r\n\r\n'
    for (const one of [socket, other]) {
      one.send(both)
      expect((await one.answer()).status).toBe(200)
    }
    const exit = server.stop()
    await server.seen('instance state')
    let answer
    do {
      socket.send(both)
      answer = await socket.answer()
      // The port is open for as long as answers do not announce the end.
      if (answer.headers['connection'] !== 'close') await sleep(2)
    } while (answer.headers['connection'] !== 'close')
    expect([answer.status, JSON.parse(answer.body).state]).toEqual([503, 'draining'])
    await expect(RawSocket.open(server.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect((await exit).code).toBe(0)
    await expect(fetch(server.adminUrl)).rejects.toThrow('fetch failed')
  })

  test('during a start ends it with status 0 and leaves nothing', async () => {
    const database = await fixture.database()
    const directory = await dataDirectory(fixture)
    for (const delayMs of [400, 700, 1_000]) {
      const server = fixture.spawn(database, { SALE_ITEMS: '10' })
      await sleep(delayMs)
      const exit = await server.stop()
      // Before its first line of code has run, the signal simply ends the process.
      if (exit.signal === null) expect(exit.code, server.stderr).toBe(0)
      else expect([exit.signal, server.logs]).toEqual(['SIGTERM', []])
      expect(server.stderr).toBe('')

      const embedded = fixture.spawn(undefined, { SALE_ITEMS: '10', DATA_DIR: directory, UNSAFE_DATABASE: undefined })
      await sleep(delayMs)
      const ended = await embedded.stop()
      if (ended.signal === null) expect(ended.code, embedded.stderr).toBe(0)
      expect(embedded.stderr).toBe('')
    }
    // A start after all this works.
    const server = await fixture.spawn(undefined, { SALE_ITEMS: '10', DATA_DIR: directory, UNSAFE_DATABASE: undefined }).listening()
    expect((await server.stop()).code).toBe(0)
    // An initdb that an end has interrupted may be about to notice it.
    await expectNoProcess(directory)
  })

  // Its threads connect to the database at that moment, and are told to end: a thread without a connection was taken for a broken one.
  test('between the recovery and the first sale ends it with status 0', async () => {
    const database = await fixture.database()
    for (let round = 0; round < 8; round++) {
      const server = fixture.spawn(database, { SALE_ITEMS: '10', THREADS: '4' })
      await server.seen('recovered')
      if (round % 2 === 1) await sleep(5 * round)
      expect(await server.stop(), JSON.stringify(server.logs.at(-1))).toEqual({ code: 0, signal: null })
      expect(server.stderr).toBe('')
    }
  })

  test('a second signal ends it at once with status 1', async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, { THREADS: '1', SALE_ITEMS: '1000', USER_LIMIT: '1000' })
    const client = fixture.client(server)
    const code = await client.reserve(1, 1)
    // A purchase that cannot become durable keeps it draining.
    const holder = await database.hold('lock table purchases in access exclusive mode')
    const purchase = client.purchase(code).then(({ status }) => status, () => 0)
    await until('the purchase is under way', async () => (await client.reservation(code)).json.state === 'purchasing')
    server.signal('SIGTERM')
    await server.seen('shutting down')
    const askedAt = performance.now()
    expect(await server.stop('SIGINT')).toEqual({ code: 1, signal: null })
    expect(performance.now() - askedAt).toBeLessThan(2_500)
    expect([0, 503]).toContain(await purchase)
    await holder.release()
  })

  test('a shutdown that takes longer than SHUTDOWN_TIMEOUT ends with status 1', async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, { THREADS: '1', SALE_ITEMS: '10', SHUTDOWN_TIMEOUT: '1s' })
    const client = fixture.client(server)
    const code = await client.reserve(1, 1)
    // Somebody holds the table: the purchase cannot become durable.
    const holder = await database.hold('lock table purchases in access exclusive mode')
    const purchase = client.purchase(code).then(({ status }) => status, () => 0)
    await sleep(100)
    const askedAt = performance.now()
    expect(await server.stop()).toEqual({ code: 1, signal: null })
    expect(performance.now() - askedAt).toBeLessThan(4_500)
    expect(server.logged('shutdown took too long')).toHaveLength(1)
    expect([0, 503]).toContain(await purchase)
    await holder.release()
  })
})

describe('Ctrl-C', () => {
  test('to the whole process group, PostgreSQL included, ends it cleanly with status 0', async () => {
    const directory = await dataDirectory(fixture)
    const env = { DATA_DIR: directory, UNSAFE_DATABASE: undefined, SALE_ITEMS: '100', THREADS: '2' }
    const server = fixture.spawn(undefined, env, { detached: true })
    await server.listening()
    const code = await fixture.client(server).reserve(1, 1)
    process.kill(-server.pid, 'SIGINT')
    expect(await server.exited).toEqual({ code: 0, signal: null })
    expect(server.logged('stopped')).toHaveLength(1)
    expect(server.stderr).toBe('')
    expect(await processesOn(directory)).toEqual([])
    const again = await fixture.spawn(undefined, env).listening()
    expect((await fixture.client(again).purchase(code)).status).toBe(200)
  })
})
