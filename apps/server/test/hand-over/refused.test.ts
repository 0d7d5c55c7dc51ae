import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { PostgresProxy } from '../fault/postgres-proxy.ts'
import { dataDirectory } from '../harness/data-directory.ts'
import { fixturePerTest } from '../harness/fixture.ts'
import { lastingPort } from '../harness/free-port.ts'
import { RawSocket } from '../harness/raw-socket.ts'
import { contradictions } from '../harness/test-database.ts'
import { within } from '../harness/until.ts'

const CANNOT_START = 69
const TAKE_OVER = { args: ['--take-over'] }
const fixture = fixturePerTest()

/** Settings of two processes that follow each other on one host. */
async function settings(): Promise<Record<string, string>> {
  return { PORT: String(await lastingPort()), ADMIN_PORT: String(await lastingPort()), SALE_ITEMS: '200', THREADS: '2', RESERVATION_TTL: '30s' }
}

describe('a take-over', () => {
  test('without a running instance is refused in one line', async () => {
    const database = await fixture.database()
    const alone = fixture.spawn(database, await settings(), TAKE_OVER)
    expect(await alone.exited).toEqual({ code: CANNOT_START, signal: null })
    expect(alone.stderrLines).toEqual([expect.stringMatching(/^megacache: --take-over found no running instance on http:/)])
  })

  test('with an embedded PostgreSQL is refused, for that ends with its server', async () => {
    const env = { ...await settings(), DATA_DIR: await dataDirectory(fixture), UNSAFE_DATABASE: undefined }
    const embedded = fixture.spawn(undefined, env, TAKE_OVER)
    expect(await embedded.exited).toEqual({ code: CANNOT_START, signal: null })
    expect(embedded.stderrLines).toEqual([expect.stringContaining('--take-over needs DATABASE_URL')])
  })

  test('with ports that the system chooses is refused', async () => {
    const lost = fixture.spawn(await fixture.database(), { PORT: '0', ADMIN_PORT: '0' }, TAKE_OVER)
    expect((await lost.exited).code).toBe(CANNOT_START)
    expect(lost.stderr).toContain('needs PORT and ADMIN_PORT')
  })

  test.each([undefined, 'a-token-of-somebody-else'])('with the token %s is refused, and the running instance does not notice', async (token) => {
    const database = await fixture.database()
    const env = await settings()
    const running = await fixture.server(database, { ...env, ADMIN_TOKEN: 'the-token-of-this-instance' })
    const socket = await RawSocket.open(running.port)
    const stranger = fixture.spawn(database, { ...env, ADMIN_TOKEN: token }, TAKE_OVER)
    expect((await stranger.exited).code).toBe(CANNOT_START)
    expect(stranger.stderr).toContain('401')
    socket.send('POST /checkout?user_id=1&item_id=1 HTTP/1.1\r\nHost: a\r\n\r\n')
    const answer = await socket.answer()
    expect(answer).toMatchObject({ status: 200, headers: expect.not.objectContaining({ connection: 'close' }) })
    socket.reset()
    const next = await fixture.server(database, { ...env, ADMIN_TOKEN: 'the-token-of-this-instance' }, TAKE_OVER)
    expect((await fixture.client(next).purchase(answer.body)).status).toBe(200)
    expect((await running.exited).code).toBe(0)
  })

  // An operator's mistake, or two deploys at once: requests that the second had parked would end with it.
  test('while another process takes over ends before it opens the port, and may try again later', async () => {
    const database = await fixture.database()
    const env = await settings()
    const running = await fixture.server(database, env)
    const claim = async (): Promise<number> =>
      (await fetch(`${running.adminUrl}/succession`, { method: 'POST', headers: { 'megacache-successor': 'the-first-one' } })).status
    expect(await claim()).toBe(200)
    let claimedAt = performance.now()
    const second = fixture.spawn(database, env, TAKE_OVER)
    // However long the second takes to load, the first one's claim stands when it asks.
    while (second.exit === undefined) {
      await sleep(100)
      if (await claim() === 200) claimedAt = performance.now()
    }
    expect(second.exit.code).toBe(CANNOT_START)
    expect(second.stderrLines).toEqual([expect.stringMatching(/^megacache: --take-over: another process is taking over already \(the instance on http:/)])
    expect(running.logged('handing over')).toEqual([])
    expect((await fixture.client(running).checkout(1, 1)).status).toBe(200)
    // The first one never came.
    await sleep(claimedAt + 5_100 - performance.now())
    await fixture.server(database, env, TAKE_OVER)
    expect((await running.exited).code).toBe(0)
  })

  test('needs the method POST, so that no link can cause it', async () => {
    const running = await fixture.server(await fixture.database(), await settings())
    for (const path of ['/succession', '/hand-over']) {
      const answer = await fetch(`${running.adminUrl}${path}`)
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
    }
    expect(running.logged('handing over')).toEqual([])
  })

  test('where the kernel does not move waiting connections says so', async () => {
    const database = await fixture.database()
    const env = await settings()
    await fixture.server(database, env)
    const next = await fixture.server(database, env, TAKE_OVER)
    const { readFileSync } = await import('node:fs')
    const migrates = readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8').trim() === '1'
    expect(next.logged('net.ipv4.tcp_migrate_req is not 1')).toHaveLength(migrates ? 0 : 1)
  })
})

describe('a predecessor that is killed while it hands over', () => {
  test('leaves nothing behind: the new process serves what waits, with every code', async () => {
    const database = await fixture.database()
    const proxy = await PostgresProxy.before(database.url)
    fixture.defer(() => proxy.close())
    const env = await settings()
    const running = await fixture.server(database, { ...env, DATABASE_URL: proxy.url })
    const client = fixture.client(running)
    const codes = await Promise.all(Array.from({ length: 20 }, (_, itemId) => client.reserve(itemId, itemId)))
    // Making durable what was accepted takes a while, and the kill falls into it.
    proxy.delayMs = 700
    const underWay = codes.slice(0, 10).map(async (code) => {
      const socket = await RawSocket.open(running.port)
      socket.send(`POST /purchase?code=${code} HTTP/1.1\r\nHost: a\r\n\r\n`)
      return socket.answer().then(({ status }) => status, () => 0)
    })
    await sleep(50)
    const next = fixture.spawn(database, env, TAKE_OVER)
    await running.seen('handing over')
    // Its listeners close right after it says so.
    await sleep(200)
    expect(running.logged('handed over')).toEqual([])
    // The old one listens no longer: this waits in the new one until it is active.
    const waiting = await RawSocket.open(Number(env['PORT']))
    const sentAt = performance.now()
    waiting.send(`POST /purchase?code=${codes[15]} HTTP/1.1\r\nHost: a\r\n\r\n`)
    await running.crash()
    const killedAt = performance.now()
    await next.listening()
    // At once, and not when the lease has become stale.
    expect(performance.now() - killedAt).toBeLessThan(4_500)
    expect(next.logged('the running instance is gone')).toHaveLength(1)
    const parked = await waiting.answer()
    const told = await Promise.all(underWay)
    const after = fixture.client(next)
    // Whoever was parked for two seconds, on a machine that stood still, was sent away and asks again.
    if (parked.status === 503 && performance.now() - sentAt > 1_900) expect((await after.purchase(codes[15]!)).status).toBe(200)
    else expect(parked.status).toBe(200)
    for (const [index, code] of codes.slice(0, 10).entries()) {
      const answer = await after.purchase(code)
      // What was acknowledged is there; what was not may be there as well.
      if (told[index] === 200) expect(answer).toMatchObject({ status: 409, reason: 'already_purchased' })
      else expect([200, 409]).toContain(answer.status)
    }
    for (const code of codes.slice(16)) expect((await after.purchase(code)).status).toBe(200)
    expect(await contradictions(database)).toEqual([])
    expect(await database.query('select count(*)::int as count from purchases')).toEqual([{ count: 15 }])
  })
})

describe('after a hand-over', () => {
  test('a connection that stayed idle is served by the new process through the old one, and told to close', async () => {
    const database = await fixture.database()
    const env = await settings()
    const running = await fixture.server(database, env)
    const idle = await RawSocket.open(running.port)
    idle.send('POST /checkout?user_id=1&item_id=1 HTTP/1.1\r\nHost: a\r\n\r\n')
    const { body: code } = await idle.answer()
    await fixture.server(database, env, TAKE_OVER)
    await sleep(1_500)
    idle.send(`POST /purchase?code=${code} HTTP/1.1\r\nHost: a\r\n\r\n`)
    expect(await idle.answer()).toMatchObject({ status: 200, headers: { connection: 'close' } })
    await within(4_500, 'the end of the old process, before its grace is over', running.exited)
  })

  // The last moment of the old process: what it is passing on must not be cut.
  test('a request that is under way when the old process wants to end is answered first', async () => {
    const database = await fixture.database()
    const env = await settings()
    const running = await fixture.server(database, env)
    const idle = await RawSocket.open(running.port)
    idle.send('POST /checkout?user_id=1&item_id=1 HTTP/1.1\r\nHost: a\r\n\r\n')
    const { body: code } = await idle.answer()
    await fixture.server(database, env, TAKE_OVER)
    const { time: handedOverAtMs } = await running.seen('handed over')
    const holder = await database.hold('lock table purchases in access exclusive mode')
    await sleep(handedOverAtMs + 2_500 - Date.now())
    idle.send(`POST /purchase?code=${code} HTTP/1.1\r\nHost: a\r\n\r\n`)
    // Its grace of five seconds is over by then; the request's own five are not.
    await sleep(handedOverAtMs + 5_600 - Date.now())
    expect(running.exit).toBeUndefined()
    await holder.release()
    expect((await idle.answer()).status).toBe(200)
    expect((await running.exited).code).toBe(0)
  })
})
