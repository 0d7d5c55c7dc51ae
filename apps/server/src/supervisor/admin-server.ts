import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Metrics } from './metrics.ts'
import { ListenError } from './request-threads.ts'

export interface AdminOptions {
  readonly host: string
  readonly port: number
  /** Required from every client when it is set; the configuration insists on it beyond loopback. */
  readonly token: string | undefined
  readonly metrics: Metrics
}

/** Opens the admin port and returns its server; `/metrics` for Prometheus. */
export function openAdminServer({ host, port, token, metrics }: AdminOptions): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, response, token, metrics).catch(() => {
      if (!response.headersSent) response.writeHead(500)
      response.end()
    })
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new ListenError(host, port, error.code ?? 'unknown', error.message))
    })
    server.listen({ host, port }, () => resolve(server))
  })
}

async function answer(
  request: IncomingMessage, response: ServerResponse, token: string | undefined, metrics: Metrics,
): Promise<void> {
  if (token !== undefined && !isAuthorized(request, token)) {
    response.writeHead(401, { 'WWW-Authenticate': 'Bearer' }).end()
    return
  }
  const path = (request.url ?? '/').split('?', 1)[0]
  if (path !== '/metrics') {
    response.writeHead(404).end()
    return
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { Allow: 'GET, HEAD' }).end()
    return
  }
  const text = await metrics.text()
  response.writeHead(200, { 'Content-Type': metrics.contentType }).end(text)
}

function isAuthorized(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '')
  const expected = Buffer.from(`Bearer ${token}`)
  return given.length === expected.length && timingSafeEqual(given, expected)
}
