import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A small HTTP service of a test; it is closed, connections and all, when the test has finished. */
export class Target {
  requestCount = 0
  connectionCount = 0
  readonly server: Server

  constructor(answer: (request: IncomingMessage, response: ServerResponse) => void) {
    this.server = createServer((request, response) => {
      this.requestCount++
      answer(request, response)
    })
    this.server.on('connection', () => {
      this.connectionCount++
    })
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** Connections open now. */
  openConnections(): Promise<number> {
    return new Promise((done, fail) => {
      this.server.getConnections((error, count) => (error === null ? done(count) : fail(error)))
    })
  }
}

/** Starts a service on a free port of loopback. */
export async function startTarget(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Target> {
  const target = new Target(answer)
  await new Promise<void>((done) => target.server.listen(0, '127.0.0.1', done))
  onTestFinished(async () => {
    const gone = new Promise<void>((done) => target.server.close(() => done()))
    target.server.closeAllConnections()
    await gone
  })
  return target
}
