import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { dueTimes } from '../arrivals/due-times.ts'
import { Engine } from '../engine/engine.ts'
import { systemClock } from '../load-clock.ts'
import { RepeatedRequest } from './repeated-request.ts'

/** What is sent in how long: enough for the compiler to have seen the paths of a request, in 0.3 s. */
const PER_SECOND = 6_000
const LENGTH_MS = 300
const CONNECTIONS = 16
/** Longest wait for the last answers; a machine that is busy with others starts all the same. */
const DRAIN_MS = 150

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok'

/** By kind of connection. What is compiled belongs to the thread, as this does: once is enough. */
const warmed = new Map<boolean, Promise<number>>()

/**
 * Sends requests to a socket of its own on loopback until the paths of this thread are compiled, so that
 * a run does not begin with latencies that are the compiler's. Where there is no loopback nothing happens.
 *
 * @returns how many were answered, the first time and later.
 */
export function warmUp(isLean: boolean): Promise<number> {
  const known = warmed.get(isLean)
  if (known !== undefined) return known
  const made = warm(isLean).catch(() => 0)
  warmed.set(isLean, made)
  return made
}

async function warm(isLean: boolean): Promise<number> {
  let answerCount = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    // One request at a time on each connection, and each smaller than a segment.
    socket.on('data', () => socket.write(ANSWER))
  })
  try {
    const url = await listen(server)
    const plan = { kind: 'constant', perSecond: PER_SECOND } as const
    const source = { kind: 'request', method: 'GET', path: '/', headers: {}, body: undefined } as const
    const backlogMax = PER_SECOND
    const engine = new Engine(new RepeatedRequest(source, { connections: CONNECTIONS, arrivals: plan, backlogMax }), {
      url,
      authorization: undefined,
      endsWithArrivals: false,
      connections: CONNECTIONS,
      concurrency: CONNECTIONS,
      dueTimes: dueTimes(plan, LENGTH_MS, 1),
      backlogMax,
      warmupMs: 0,
      durationMs: LENGTH_MS,
      requestTimeoutMs: DRAIN_MS,
      rideThroughMs: 0,
      preconnectPath: undefined,
      isLean,
      clock: systemClock,
      signal: undefined,
      onSnapshot: ({ steps }) => {
        for (const step of steps) answerCount += step.answerCount
      },
      takeCalls: () => [],
    })
    await engine.run()
    return answerCount
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

function listen(server: Server): Promise<string> {
  return new Promise((done, fail) => {
    server.once('error', fail)
    server.listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
}
