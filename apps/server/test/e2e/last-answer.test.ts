import { connect } from 'node:net'
import { beforeAll, describe, expect, test } from 'vitest'
import { fixturePerFile } from '../harness/fixture.ts'
import { RawSocket } from '../harness/raw-socket.ts'
import type { SaleClient } from '../harness/sale-client.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import type { TestDatabase } from '../harness/test-database.ts'
import { until } from '../harness/until.ts'

const fixture = fixturePerFile()
let database: TestDatabase
let server: ServerProcess
let client: SaleClient
let nextItem = 0

beforeAll(async () => {
  database = await fixture.database()
  server = await fixture.server(database, { SALE_ITEMS: '2000', THREADS: '1', USER_LIMIT: '1000' })
  client = fixture.client(server)
})

const checkout = (itemId: number, ...headers: string[]): string =>
  `${[`POST /checkout?user_id=7&item_id=${itemId} HTTP/1.1`, 'Host: a', ...headers].join('\r\n')}\r\n\r\n`
const stateOf = async (itemId: number): Promise<unknown> => (await client.call('GET', `/items/${itemId}`)).json.state

describe('an answer that says close', () => {
  // RFC 9112 section 9.6.
  test.each([
    ['a request without Host', 'GET /livez HTTP/1.1\r\n\r\n', 400],
    ['a request that is too long', `POST /purchase HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n${'x'.repeat(65_537)}`, 413],
    ['an unknown expectation', 'GET /livez HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\n\r\n', 417],
    ['a request that says close', 'GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 200],
    ['a request of HTTP/1.0', 'GET /livez HTTP/1.0\r\n\r\n', 200],
  ])('is the last of its connection: nothing behind %s is carried out', async (_name, request, status) => {
    const [before, behind] = [nextItem++, nextItem++]
    const socket = await RawSocket.open(server.port)
    socket.send(`${checkout(before)}${request}${checkout(behind)}`)
    expect(await socket.answer()).toMatchObject({ status: 200, headers: { connection: 'keep-alive' } })
    expect(await socket.answer()).toMatchObject({ status, headers: { connection: 'close' } })
    await socket.closed()
    expect(socket.error).toBeUndefined()
    socket.reset()
    expect(await stateOf(before)).toBe('reserved')
    expect(await stateOf(behind)).toBe('available')
  })

  test('is given to the last of the requests under way when the server begins to end: what is carried out is answered', async () => {
    const otherDatabase = await fixture.database()
    const other = await fixture.server(otherDatabase, { SALE_ITEMS: '2000', THREADS: '1', USER_LIMIT: '1000' })
    const sockets = await Promise.all(Array.from({ length: 20 }, () => RawSocket.open(other.port)))
    let isEnding = false
    const clients = sockets.map(async (socket, number) => {
      let [asked, answered] = [0, 0]
      const statuses: number[] = []
      for (let isLast = false; !isLast;) {
        socket.send([0, 1, 2].map(() => checkout(number * 100 + asked++)).join(''))
        while (answered < asked && !isLast) {
          const answer = await socket.answer()
          statuses.push(answer.status)
          answered++
          isLast = answer.headers['connection'] === 'close'
        }
        if (answered >= 30) isEnding = true
        if (asked > 90) break
      }
      return { statuses, number }
    })
    await until('they are served', () => isEnding)
    other.signal('SIGTERM')
    const codes = (await Promise.all(clients)).flatMap(({ statuses }) => statuses.filter((status) => status === 200)).length
    expect(await other.exited).toMatchObject({ code: 0 })
    // Every reservation that was made was told.
    expect(await otherDatabase.query('select count(*)::int as count from checkouts')).toEqual([{ count: codes }])
  })
})

describe('an answer to a request whose body is on its way', () => {
  test('reaches a client that writes all of it first', async () => {
    for (let time = 0; time < 20; time++) {
      const socket = connect({ host: '127.0.0.1', port: server.port })
      let received = ''
      let error: Error | undefined
      socket.setEncoding('latin1').on('data', (text: string) => { received += text }).on('error', (cause) => { error = cause })
      const closed = new Promise((resolve) => { socket.once('close', resolve) })
      const body = Buffer.alloc(8_388_608, 'x')
      // Nothing is read before everything is written, as by a simple client.
      socket.pause()
      socket.write(`POST /checkout?user_id=1&item_id=1 HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`)
      await new Promise((resolve) => { socket.write(body, resolve) })
      socket.resume()
      await closed
      expect([error, received.slice(0, 12)]).toEqual([undefined, 'HTTP/1.1 413'])
    }
  })

  test('reaches fetch', async () => {
    for (let time = 0; time < 20; time++) {
      const answer = await fetch(`${server.url}/checkout?user_id=1&item_id=1`, { method: 'POST', body: new Uint8Array(8_388_608) })
      expect([answer.status, ((await answer.json()) as { reason: string }).reason]).toEqual([413, 'payload_too_large'])
    }
  })
})
