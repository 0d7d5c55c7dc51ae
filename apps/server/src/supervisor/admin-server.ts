import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { InstanceBoard } from '../instance-board.ts'
import { ListenError } from './listen-error.ts'
import type { LeaseHolderName, Metrics } from './metrics.ts'

/** Names the successor's instance, on both requests of a graceful restart. No page of another site can send it. */
export const SUCCESSOR_HEADER = 'megacache-successor'
/** The token that `POST /succession` has answered. */
export const SUCCESSION_HEADER = 'megacache-succession'
const INSTANCE_ID = /^[A-Za-z0-9_.:-]{1,32}$/

export interface AdminOptions {
  readonly host: string
  readonly port: number
  /** Required from every client when it is set; the configuration insists on it beyond loopback. */
  readonly token: string | undefined
  readonly instanceId: string
  readonly board: InstanceBoard
  readonly metrics: Metrics
  /** Who has the lease, as far as this instance knows. */
  readonly holder: () => LeaseHolderName | undefined
}

/** What a successor may ask of an instance that serves. Both answer an HTTP status, and in words why not. */
export interface Leaving {
  claim(successor: string): AdminAnswer
  handOver(successor: string, token: string): Promise<AdminAnswer>
}

export interface AdminAnswer {
  readonly status: number
  readonly text?: string
}

/**
 * The admin port, open from the start of the process on: `GET /livez`, `/health` (the instance's state and who has the lease) and
 * `/metrics` while it starts, stands by and serves; `POST /succession` and `/hand-over` for a successor once it serves.
 */
export class AdminServer {
  readonly #options: AdminOptions
  readonly #server: Server
  #leaving: Leaving | undefined

  private constructor(options: AdminOptions) {
    this.#options = options
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => {
        if (!response.headersSent) response.writeHead(500)
        response.end()
      })
    })
  }

  static open(options: AdminOptions): Promise<AdminServer> {
    const { host, port } = options
    const admin = new AdminServer(options)
    const server = admin.#server
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(new ListenError('ADMIN_PORT', host, port, error)))
      server.listen({ host, port }, () => resolve(admin))
    })
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** From now on a successor may ask for the lease. */
  serve(leaving: Leaving): void {
    this.#leaving = leaving
  }

  close(): void {
    this.#server.close()
    this.#server.closeIdleConnections()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { token, board, metrics, instanceId, holder } = this.#options
    if (token !== undefined && !isAuthorized(request, token)) {
      response.writeHead(401, { 'WWW-Authenticate': 'Bearer' }).end()
      return
    }
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    const allowed = ALLOWED[path]
    if (allowed === undefined) response.writeHead(404).end()
    else if (!allowed.includes(request.method ?? '')) response.writeHead(405, { Allow: allowed.join(', ') }).end()
    else if (path === '/livez') response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' }).end('alive')
    else if (path === '/metrics') response.writeHead(200, { 'Content-Type': metrics.contentType }).end(await metrics.text())
    else if (path === '/health') {
      const { state, stateSinceMs } = board
      const body = { state, since: new Date(stateSinceMs).toISOString(), instanceId, lease: holder() ?? null }
      response.writeHead(state === 'active' ? 200 : 503, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    } else {
      const { status, text = '' } = await this.#succeed(request, path)
      response.writeHead(status, { Connection: 'close', ...(status === 204 ? {} : { 'Content-Type': 'text/plain; charset=utf-8' }) }).end(text)
    }
  }

  async #succeed({ headers }: IncomingMessage, path: string): Promise<AdminAnswer> {
    // A browser sends one of these with whatever a page makes it send; a successor neither.
    if (headers['origin'] !== undefined || headers['sec-fetch-site'] !== undefined) return { status: 403, text: 'not for browsers' }
    const successor = headers[SUCCESSOR_HEADER]
    if (typeof successor !== 'string' || !INSTANCE_ID.test(successor)) return { status: 403, text: `only for a successor: ${SUCCESSOR_HEADER} is missing` }
    if (this.#leaving === undefined) return { status: 409, text: 'it does not serve' }
    if (path === '/succession') return this.#leaving.claim(successor)
    return this.#leaving.handOver(successor, String(headers[SUCCESSION_HEADER] ?? ''))
  }
}

const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  '/livez': ['GET', 'HEAD'],
  '/metrics': ['GET', 'HEAD'],
  '/health': ['GET', 'HEAD'],
  '/succession': ['POST'],
  '/hand-over': ['POST'],
}

function isAuthorized(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '')
  const expected = Buffer.from(`Bearer ${token}`)
  return given.length === expected.length && timingSafeEqual(given, expected)
}
