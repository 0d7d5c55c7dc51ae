import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { RawSocket } from '../../test/harness/raw-socket.ts'
import { until } from '../../test/harness/until.ts'
import { type PeerBounds, Peers } from './peers.ts'
import { createPublicServer } from './public-server.ts'
import { Responder } from './respond.ts'
import { readInPieces } from './small-reads.ts'

const GET = 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n'

async function listening(bounds: PeerBounds, serve: (request: IncomingMessage, response: ServerResponse, responder: Responder) => void) {
  const responder = new Responder(new Peers(bounds))
  const server = createPublicServer({
    responder, serve: (request, response) => serve(request, response, responder), fail: (message) => { throw new Error(message) },
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => { server.close().closeAllConnections() })
  return { server, responder, peers: responder.peers, port: (server.address() as AddressInfo).port }
}

// A Node without what small-reads.ts needs would serve, and be open to what it is for.
test('this Node reads connections in pieces', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => { server.close().closeAllConnections() })
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const client = await RawSocket.open((server.address() as AddressInfo).port)
  expect(readInPieces((await accepted)[0], Buffer.alloc(512))).toBe(true)
  client.reset()
})

test('one connection too many is told 503, those there are served, and one that goes makes room', async () => {
  const { peers, port } = await listening({ connectionsMax: 10 }, (_request, response, responder) => responder.text(response, 200, 'text/plain', 'alive'))
  const sockets = await Promise.all(Array.from({ length: 10 }, () => RawSocket.open(port)))
  const ask = async (socket: RawSocket): Promise<number> => {
    socket.send(GET)
    return (await socket.answer()).status
  }
  expect(await Promise.all(sockets.map(ask))).toEqual(sockets.map(() => 200))
  const refused = await RawSocket.open(port)
  refused.send(GET)
  expect(await refused.answer()).toMatchObject({ status: 503, headers: { connection: 'close', 'retry-after': '1' } })
  await refused.closed()
  refused.reset()
  expect(await Promise.all(sockets.map(ask))).toEqual(sockets.map(() => 200))
  expect(peers.figures().refused).toBe(1)
  sockets.pop()!.reset()
  await until('the refused and the gone are forgotten', async () => {
    const socket = await RawSocket.open(port)
    const status = await ask(socket)
    socket.reset()
    return status === 200
  })
  sockets.forEach((socket) => socket.reset())
})

test.each([
  { untakenAllMax: 1_000, requestsRead: 4 },
  { untakenAllMax: 1, requestsRead: 1 },
])('a connection is not read while $requestsRead of its requests are untaken, of $untakenAllMax in all', async ({ untakenAllMax, requestsRead }) => {
  const waiting: ServerResponse[] = []
  const { responder, peers, port } = await listening({ untakenAllMax }, (_request, response) => { waiting.push(response) })
  const socket = await RawSocket.open(port)
  for (let sent = 1; sent <= requestsRead; sent++) {
    expect(peers.figures().pausedConnections).toBe(0)
    socket.send(GET)
    await until('it is read', () => waiting.length === sent)
  }
  expect(peers.figures().pausedConnections).toBe(1)
  socket.send(GET)
  responder.text(waiting[0]!, 200, 'text/plain', 'alive')
  expect((await socket.answer()).status).toBe(200)
  await until('the next is read', () => waiting.length === requestsRead + 1)
  socket.reset()
})

test('a request that is late because it was not read gets time for its rest, any other gets 408', async () => {
  const waiting: ServerResponse[] = []
  const { server, responder, peers, port } = await listening({}, (_request, response) => { waiting.push(response) })
  Object.assign(server, { headersTimeout: 100, requestTimeout: 200 })
  const errors: unknown[] = []
  server.on('clientError', (error: NodeJS.ErrnoException) => errors.push(error.code))
  const [held, slow] = [await RawSocket.open(port), await RawSocket.open(port)]
  // One write, so that the beginning of the fifth is read with the fourth.
  held.send(GET.repeat(4) + GET.slice(0, 10))
  await until('four wait', () => waiting.length === 4 && peers.figures().pausedConnections === 1)
  slow.send(GET.slice(0, 10))
  expect((await slow.answer()).status).toBe(408)
  await until('both were late', () => errors.length >= 2)
  held.send(GET.slice(10))
  for (const response of waiting) responder.text(response, 200, 'text/plain', 'alive')
  for (const _ of waiting.splice(0)) expect((await held.answer()).status).toBe(200)
  await until('the fifth is whole', () => waiting.length === 1)
  responder.text(waiting[0]!, 200, 'text/plain', 'alive')
  expect((await held.answer()).status).toBe(200)
  for (const socket of [held, slow]) socket.reset()
})
