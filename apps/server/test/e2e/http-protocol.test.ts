import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { fixturePerFile } from '../harness/fixture.ts'
import { exchange, type RawAnswer, RawSocket } from '../harness/raw-socket.ts'
import type { SaleClient } from '../harness/sale-client.ts'
import type { ServerProcess } from '../harness/server-process.ts'

const fixture = fixturePerFile()
let server: ServerProcess
let client: SaleClient
let port = 0
let nextItem = 0

beforeAll(async () => {
  server = await fixture.server(await fixture.database(), { SALE_ITEMS: '3000', THREADS: '2' })
  client = fixture.client(server)
  port = server.port
})

const head = (line: string, ...headers: string[]): string => `${[`${line} HTTP/1.1`, 'Host: sale', ...headers].join('\r\n')}\r\n\r\n`
const checkoutLine = (itemId: number, user = 1_000_000 + itemId): string => `POST /checkout?user_id=${user}&item_id=${itemId}`
const CODE = /^[0-9a-f-]{36}$/

function expectProblem(answer: RawAnswer, status: number, reason: string): void {
  expect(answer).toMatchObject({ status, headers: { 'content-type': 'application/problem+json' } })
  const problem = JSON.parse(answer.body)
  expect(problem).toMatchObject({ status, reason, type: `urn:megacache:problem:${reason}` })
  expect(problem.title.length).toBeGreaterThan(3)
}

describe('paths and methods', () => {
  test.each([
    ['GET', '/checkout', 'POST'], ['PUT', '/checkout?user_id=1&item_id=1', 'POST'], ['HEAD', '/checkout', 'POST'], ['DELETE', '/purchase', 'POST'],
    ['POST', '/reservations/x', 'GET, HEAD, DELETE'], ['POST', '/sale', 'GET, HEAD'], ['DELETE', '/items', 'GET, HEAD'], ['POST', '/items/1', 'GET, HEAD'],
    ['PATCH', '/items/1/image.svg', 'GET, HEAD'], ['POST', '/livez', 'GET, HEAD'], ['POST', '/readyz', 'GET, HEAD'], ['OPTIONS', '/health', 'GET, HEAD'],
    ['POST', '/openapi.json', 'GET, HEAD'], ['PROPFIND', '/sale', 'GET, HEAD'],
  ])('%s %s is not allowed and says what is', async (method, target, allow) => {
    const answer = await exchange(port, head(`${method} ${target}`), method === 'HEAD')
    expect(answer).toMatchObject({ status: 405, headers: { allow } })
    if (method !== 'HEAD') expectProblem(answer, 405, 'method_not_allowed')
  })

  test.each([
    '/', '//checkout', '//', '/checkout/', '/CHECKOUT', '/checkout;a=1', '/./checkout', '/checkout/../checkout', '/%63heckout', '/purchase/',
    '/reservations', '/reservations/', '/sale/', '/sales', '/items/', '/metrics', '/livez/', '/openapi.json/', '/%', '/%zz', '*', '/__proto__',
    '/constructor', 'checkout',
  ])('%s does not exist', async (path) => {
    for (const method of ['POST', 'GET']) {
      const answer = await exchange(port, head(`${method} ${path}`))
      // A target that begins with neither / nor a scheme may be refused by the parser already.
      if (answer.status !== 400) expectProblem(answer, 404, 'not_found')
      else expect(path).toMatch(/^[^/]/)
    }
  })

  test.each(['http://sale', 'HTTP://other.example:81', 'https://user@sale:443'])('serves the absolute form of a target on %s', async (origin) => {
    const itemId = nextItem++
    expect((await exchange(port, head(`POST ${origin}/checkout?user_id=1${itemId}&item_id=${itemId}`))).body).toMatch(CODE)
    expect((await exchange(port, head(`GET ${origin}/livez`))).status).toBe(200)
    expectProblem(await exchange(port, head(`GET ${origin}`)), 404, 'not_found')
    expectProblem(await exchange(port, head(`GET ${origin}?user_id=1`)), 404, 'not_found')
  })

  test('HEAD has the headers of GET and no body', async () => {
    for (const path of ['/sale', '/items', '/items/1', '/items/1/image.svg', '/livez', '/readyz', '/health', '/openapi.json', '/nowhere']) {
      const socket = await RawSocket.open(port)
      socket.send(head(`HEAD ${path}`) + head('GET /livez', 'Connection: close'))
      const answer = await socket.answer(true)
      expect(answer.status, path).toBe(path === '/nowhere' ? 404 : 200)
      expect(Number(answer.headers['content-length']), path).toBeGreaterThan(0)
      // What follows the head is the next answer, not a body.
      expect((await socket.answer()).body).toBe('alive')
      await socket.closed()
      expect(socket.received).toBe('')
    }
  })
})

describe('bodies', () => {
  test('are read and ignored up to 64 KiB', async () => {
    const itemId = nextItem++
    const body = 'x'.repeat(65_536)
    const sized = await exchange(port, head(checkoutLine(itemId), `Content-Length: ${body.length}`) + body)
    expect(sized).toMatchObject({ status: 200, headers: { 'content-length': '36' } })
    const chunk = `8000\r\n${'y'.repeat(0x8000)}\r\n`
    const chunked = await exchange(port, `${head(`POST /purchase?code=${sized.body}`, 'Transfer-Encoding: chunked')}${chunk}${chunk}0\r\n\r\n`)
    expect(chunked.status).toBe(200)
    expect((await exchange(port, `${head('GET /livez', 'Content-Length: 3')}abc`)).body).toBe('alive')
  })

  test('do not disturb the next request of the connection', async () => {
    const socket = await RawSocket.open(port)
    const trap = head(checkoutLine(nextItem++))
    socket.send(`${head('GET /livez', `Content-Length: ${trap.length}`)}${trap}${head('GET /readyz')}`)
    expect((await socket.answer()).body).toBe('alive')
    expect(JSON.parse((await socket.answer()).body)).toMatchObject({ state: 'active' })
    socket.reset()
  })

  test('above 64 KiB give 413, announced or in chunks, and change nothing', async () => {
    for (let attempt = 0; attempt < 10; attempt++) {
      const itemId = nextItem++
      const announced = await exchange(port, head(checkoutLine(itemId), 'Content-Length: 65537'))
      expectProblem(announced, 413, 'payload_too_large')
      expect(announced.headers['connection']).toBe('close')
      const chunks = `8000\r\n${'y'.repeat(0x8000)}\r\n`.repeat(3)
      const chunked = await exchange(port, head(checkoutLine(itemId), 'Transfer-Encoding: chunked') + chunks)
      expectProblem(chunked, 413, 'payload_too_large')
      expect((await client.call('GET', `/items/${itemId}`)).json.state).toBe('available')
    }
  })

  test('that never stop coming are cut off after the answer', async () => {
    const socket = await RawSocket.open(port)
    socket.send(head(checkoutLine(nextItem++), 'Content-Length: 1000000000'))
    expectProblem(await socket.answer(), 413, 'payload_too_large')
    await socket.closed(5_000)
  })
})

describe('connections', () => {
  test('pipelined requests are answered in their order', async () => {
    const socket = await RawSocket.open(port)
    const items = Array.from({ length: 20 }, () => nextItem++)
    socket.send(items.map((itemId) => `${head(checkoutLine(itemId))}${head(`GET /items/${itemId}/image.svg`)}${head('GET /nowhere')}`).join(''))
    for (const itemId of items) {
      const code = (await socket.answer()).body
      expect(code).toMatch(CODE)
      expect((await client.reservation(code)).json.itemId).toBe(itemId)
      expect((await socket.answer()).body).toContain(`Item ${String(itemId).padStart(4, '0')}`)
      expect((await socket.answer()).status).toBe(404)
    }
    socket.reset()
  })

  test('a request in single bytes is served', async () => {
    const socket = await RawSocket.open(port)
    for (const byte of head(checkoutLine(nextItem++))) {
      socket.send(byte)
      await new Promise((done) => {
        setImmediate(done)
      })
    }
    expect((await socket.answer()).body).toMatch(CODE)
    socket.reset()
  })

  // An answer without a body has no length, and node:http ends such a connection with it.
  test('an HTTP/1.0 client that keeps its connection keeps it after a cancel too', async () => {
    const code = (await exchange(port, head(checkoutLine(nextItem++)))).body
    const socket = await RawSocket.open(port)
    socket.send(`DELETE /reservations/${code} HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /livez HTTP/1.0\r\n\r\n`)
    expect(await socket.answer()).toMatchObject({ status: 204, headers: { connection: 'keep-alive' } })
    expect(await socket.answer()).toMatchObject({ status: 200, body: 'alive' })
    await socket.closed(5_000)
  })

  test('an HTTP/1.0 client is answered and the connection closed', async () => {
    const socket = await RawSocket.open(port)
    socket.send(`${checkoutLine(nextItem++)} HTTP/1.0\r\n\r\n`)
    const answer = await socket.answer()
    expect(answer.body).toMatch(CODE)
    await socket.closed(5_000)
    expect(socket.received).toBe('')
  })

  test('a client that ends its side after the request is answered', async () => {
    const socket = await RawSocket.open(port)
    socket.send(head(checkoutLine(nextItem++)))
    socket.finish()
    expect((await socket.answer()).body).toMatch(CODE)
    await socket.closed(5_000)
  })

  test('Expect: 100-continue is answered with 100 and then the answer', async () => {
    const socket = await RawSocket.open(port)
    socket.send(head(checkoutLine(nextItem++), 'Expect: 100-continue', 'Content-Length: 3'))
    expect((await socket.answer()).status).toBe(100)
    socket.send('abc')
    expect((await socket.answer()).body).toMatch(CODE)
    socket.reset()
  })

  test('an unknown expectation is refused and changes nothing', async () => {
    const itemId = nextItem++
    expectProblem(await exchange(port, head(checkoutLine(itemId), 'Expect: a-miracle')), 417, 'expectation_failed')
    expect((await client.call('GET', `/items/${itemId}`)).json.state).toBe('available')
  })

  test('Accept may have several lines', async () => {
    const answer = await exchange(port, head(checkoutLine(nextItem++), 'Accept: text/html', 'Accept: application/json;q=0.5'))
    expect(JSON.parse(answer.body)).toMatchObject({ code: expect.stringMatching(CODE) })
  })

  test('an upgrade is ignored and the request answered', async () => {
    const answer = await exchange(port, head('GET /livez', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: x'))
    expect(answer.body).toBe('alive')
  })

  // Node drops what it has read with such a request, and would answer what comes later as if it were that.
  test('an upgrade is the last request of its connection', async () => {
    const socket = await RawSocket.open(port)
    const items = [nextItem++, nextItem++, nextItem++]
    const [asking, behind, later] = items.map((itemId, index) => head(checkoutLine(itemId), ...(index === 0 ? ['Connection: Upgrade', 'Upgrade: h2c'] : [])))
    socket.send(asking! + behind!)
    setImmediate(() => socket.send(later!))
    const { body, headers } = await socket.answer()
    expect([CODE.test(body), headers['connection']]).toEqual([true, 'close'])
    await socket.closed()
    expect([socket.error, socket.received]).toEqual([undefined, ''])
    const states = await Promise.all(items.map(async (itemId) => (await client.call('GET', `/items/${itemId}`)).json.state))
    expect(states).toEqual(['reserved', 'available', 'available'])
  })
})

describe('limits and malformed requests', () => {
  test('a target or headers above 16 KiB give 431', async () => {
    const long = 'a'.repeat(17_000)
    for (const request of [head(`GET /sale?${long}`), head('GET /sale', `X-Long: ${long}`), head('GET /sale', ...Array.from({ length: 900 }, (_, i) => `X-${i}: ${'b'.repeat(20)}`))]) {
      const answer = await exchange(port, request)
      expectProblem(answer, 431, 'headers_too_large')
      expect(answer.headers['connection']).toBe('close')
    }
    expect((await exchange(port, head(`GET /sale?${'a'.repeat(15_000)}`))).status).toBe(200)
  })

  test.each([
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00FC\u0003\u0003'],
    ['an unknown version', 'GET / HTTP/9.9\r\nHost: a\r\n\r\n'],
    ['a header without a colon', 'GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n'],
    ['a space in the target', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['two lengths', 'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['length and chunks', 'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a negative length', 'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n'],
    ['a chunk of no size', 'POST /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ])('%s gives 400 and the end of the connection', async (_name, request) => {
    const socket = await RawSocket.open(port)
    socket.send(request)
    expectProblem(await socket.answer(), 400, 'bad_request')
    await socket.closed(5_000)
  })

  test('bytes above ASCII in a target are refused', async () => {
    for (const target of ['/checkout?user_id=\u00B2&item_id=1', '/checkout?user_id=\u00D9\u00A7&item_id=1', '/purchase?code=\u00FF']) {
      expect((await exchange(port, head(`POST ${target}`))).status).toBe(400)
    }
  })

  test('a request without Host is refused', async () => {
    expectProblem(await exchange(port, 'GET /livez HTTP/1.1\r\n\r\n'), 400, 'bad_request')
    expect((await exchange(port, 'GET /livez HTTP/1.0\r\n\r\n')).body).toBe('alive')
  })

  test('CONNECT is refused and does not hang', async () => {
    const socket = await RawSocket.open(port)
    socket.send(head('CONNECT sale:80'))
    const answer = await socket.answer()
    expectProblem(answer, 404, 'not_found')
    expect(answer.headers['connection']).toBe('close')
    await socket.closed(5_000)
  })

  // A refusal in the place of an answer would say that a checkout changed nothing which takes effect. G9, found by fuzzing.
  test.each([
    ['bytes that are no request', 'nonsense\r\n\r\n', 400],
    ['a header without end', `GET /sale HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(17_000)}`, 431],
    ['a request with a body that is none', 'POST /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400],
    ['a CONNECT', head('CONNECT sale:80'), 404],
  ])('%s behind a checkout is refused after the answer to it', async (_name, bytes, status) => {
    for (const finishes of [false, true]) {
      const socket = await RawSocket.open(port)
      const items = [nextItem++, nextItem++]
      socket.send(`${items.map((itemId) => head(checkoutLine(itemId))).join('')}${head('GET /livez')}${bytes}`)
      if (finishes) socket.finish()
      for (const itemId of items) expect((await client.reservation((await socket.answer()).body)).json.itemId).toBe(itemId)
      expect((await socket.answer()).body).toBe('alive')
      expect((await socket.answer()).status).toBe(status)
      await socket.closed(5_000)
      expect(socket.received).toBe('')
    }
  })

  test('a refusal reaches a client that goes on writing, and the connection ends all the same', async () => {
    const socket = await RawSocket.open(port)
    for (let piece = 0; piece < 10; piece++) {
      socket.send('nonsense\r\n'.repeat(100))
      await sleep(5)
    }
    expectProblem(await socket.answer(), 400, 'bad_request')
    await socket.closed(5_000)
    expect(socket.error).toBeUndefined()
    const before = performance.now()
    while (socket.error === undefined && performance.now() - before < 10_000) {
      socket.send('nonsense\r\n')
      await sleep(20)
    }
    expect(socket.error).toBeDefined()
  })

  // Defect 23: no time-outs at all.
  test('slow headers and a slow body give 408; an idle connection stays', async () => {
    const started = performance.now()
    const [slowHead, slowBody, idle] = await Promise.all([RawSocket.open(port), RawSocket.open(port), RawSocket.open(port)])
    slowHead.send('POST /checkout?user_id=1&item_id=1 HTTP/1.1\r\nHost:')
    slowBody.send(head(checkoutLine(nextItem++), 'Content-Length: 10'))
    idle.send(head('GET /livez'))
    await idle.answer()
    expectProblem(await slowHead.answer(), 408, 'request_timeout')
    expect(performance.now() - started).toBeGreaterThan(4_900)
    expect(performance.now() - started).toBeLessThan(8_000)
    expectProblem(await slowBody.answer(), 408, 'request_timeout')
    expect(performance.now() - started).toBeLessThan(13_000)
    idle.send(head('GET /livez'))
    expect((await idle.answer()).body).toBe('alive')
    idle.reset()
  })

  test('after all this the server still serves, and no thread has broken', async () => {
    expect(await client.call('GET', '/readyz')).toMatchObject({ status: 200 })
    expect(server.exit).toBeUndefined()
    expect(server.stderr).toBe('')
    expect(server.logs.filter(({ level }) => level >= 50)).toEqual([])
  })
})
