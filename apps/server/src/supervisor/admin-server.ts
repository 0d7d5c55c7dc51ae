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
  /** Whether the caller may be the successor; nobody else may for a while then. */
  readonly claimSuccession: () => boolean
  /** Gives the lease to a successor; resolves when it is free. */
  readonly handOver: () => Promise<void>
}

/**
 * Opens the admin port and returns its server: `GET /metrics` for Prometheus, `POST /succession` and `POST /hand-over` for a
 * successor.
 */
export function openAdminServer(options: AdminOptions): Promise<Server> {
  const { host, port } = options
  const server = createServer((request, response) => {
    answer(request, response, options).catch(() => {
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
  request: IncomingMessage, response: ServerResponse,
  { token, metrics, claimSuccession, handOver }: AdminOptions,
): Promise<void> {
  if (token !== undefined && !isAuthorized(request, token)) {
    response.writeHead(401, { 'WWW-Authenticate': 'Bearer' }).end()
    return
  }
  const { method } = request
  switch ((request.url ?? '/').split('?', 1)[0]) {
    case '/metrics': {
      if (method !== 'GET' && method !== 'HEAD') return refuseMethod(response, 'GET, HEAD')
      const text = await metrics.text()
      response.writeHead(200, { 'Content-Type': metrics.contentType }).end(text)
      return
    }
    case '/succession':
      if (method !== 'POST') return refuseMethod(response, 'POST')
      response.writeHead(claimSuccession() ? 204 : 409, { Connection: 'close' }).end()
      return
    case '/hand-over':
      if (method !== 'POST') return refuseMethod(response, 'POST')
      await handOver()
      response.writeHead(204, { Connection: 'close' }).end()
      return
    default:
      response.writeHead(404).end()
  }
}

function refuseMethod(response: ServerResponse, allow: string): void {
  response.writeHead(405, { Allow: allow }).end()
}

function isAuthorized(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '')
  const expected = Buffer.from(`Bearer ${token}`)
  return given.length === expected.length && timingSafeEqual(given, expected)
}
