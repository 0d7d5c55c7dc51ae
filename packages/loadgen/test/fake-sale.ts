import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Defect,
  type FakeAnswer,
  FakeInventory,
  type FakeStore,
  refusal,
} from './fake-inventory.ts'

export { type Defect, DEFECTS } from './fake-inventory.ts'

export interface FakeOptions {
  readonly items: number
  readonly userLimit?: number
  readonly ttlMs?: number
  readonly saleId?: number
  readonly defect?: Defect
  /** It lies on every so many-th occasion; default 10. */
  readonly lieEvery?: number
  readonly store?: FakeStore
  /** Called before each request; true when it has dealt with it. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean
  /**
   * Answers of this kind, every n-th: a 503 for which nothing happened, and one for which it did.
   */
  readonly overloadEvery?: number
  readonly doubtEvery?: number
  /** A new sale opens this often, in milliseconds; default never. */
  readonly rotateEveryMs?: number
}

/**
 * An honest flash sale in memory, over node:http, that can be told to lie. What it holds survives
 * `crash`.
 */
export class FakeSale {
  readonly options: FakeOptions
  readonly userLimit: number
  readonly inventory: FakeInventory
  port = 0
  requestCount = 0
  connectionCount = 0
  private server: Server | undefined
  private rotation: NodeJS.Timeout | undefined

  constructor(options: FakeOptions) {
    const { items, userLimit = 10, ttlMs = 60_000, saleId = 1_800_000_000 } = options
    this.options = options
    this.userLimit = userLimit
    const { defect, store, lieEvery = 10 } = options
    this.inventory = new FakeInventory({ items, userLimit, ttlMs, saleId, defect, store, lieEvery })
  }

  get saleId(): number {
    return this.inventory.saleId
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get soldCount(): number {
    return this.inventory.soldCount
  }

  /** The items' state, for a test to change it. */
  slotsForTest(): { isSold: boolean }[] {
    return this.inventory.slots
  }

  /** Begins to serve; after a crash, on the same port with the same state. */
  async start(): Promise<void> {
    if (this.port === 0) await this.storeSale()
    const server = createServer((request, response) => {
      this.requestCount++
      if (this.options.intercept?.(request, response) === true) return
      void this.answer(request, response)
    })
    server.on('connection', () => {
      this.connectionCount++
    })
    this.server = server
    await new Promise<void>((done, fail) => {
      server.once('error', fail).listen(this.port, '127.0.0.1', done)
    })
    this.port = (server.address() as AddressInfo).port
    const { rotateEveryMs } = this.options
    if (rotateEveryMs === undefined) return
    this.rotation = setInterval(() => this.rotate(), rotateEveryMs)
  }

  /** Cuts every connection, answers nothing more and stops listening. */
  async crash(): Promise<void> {
    const server = this.server
    if (server === undefined) return
    clearInterval(this.rotation)
    this.server = undefined
    const gone = new Promise<void>((done) => server.close(() => done()))
    server.closeAllConnections()
    await gone
  }

  /** Connections open now. */
  openConnections(): Promise<number> {
    return new Promise((done, fail) => {
      this.server?.getConnections((error, count) => (error === null ? done(count) : fail(error)))
    })
  }

  /** Starts the next sale: all items are free again, codes of the old one live until they expire. */
  rotate(): void {
    this.inventory.rotate()
    void this.storeSale()
  }

  private async storeSale(): Promise<void> {
    const { store, items } = this.options
    await store?.sale(this.saleId, items, this.userLimit)
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake')
    if (url.pathname === '/sale') return this.sale(response)
    const { overloadEvery = 0, doubtEvery = 0 } = this.options
    if (overloadEvery > 0 && this.requestCount % overloadEvery === 0) {
      response.setHeader('Retry-After', '0')
      return send(response, refusal('overloaded', 503))
    }
    const isDoubtful = doubtEvery > 0 && this.requestCount % doubtEvery === 0
    const answer = await this.act(request.method ?? '', url)
    const isHidden = isDoubtful && answer.status < 300
    send(response, isHidden ? refusal('storage_unavailable', 503) : answer)
  }

  private async act(method: string, { pathname, searchParams }: URL): Promise<FakeAnswer> {
    const route = `${method} ${pathname.replace(/^(\/reservations\/).*/, '$1')}`
    const code = pathname.slice('/reservations/'.length)
    switch (route) {
      case 'POST /checkout':
        return this.inventory.checkout(
          searchParams.get('user_id') ?? '',
          Number(searchParams.get('item_id')),
        )
      case 'POST /purchase':
        return this.inventory.purchase(searchParams.get('code') ?? '')
      case 'GET /reservations/':
        return this.inventory.read(code)
      case 'DELETE /reservations/':
        return this.inventory.cancel(code)
      default:
        return refusal('not_found', 404)
    }
  }

  private sale(response: ServerResponse): void {
    const { items, ttlMs = 60_000 } = this.options
    const { saleId, soldCount: sold, reservedCount: reserved } = this.inventory
    response.setHeader('Content-Type', 'application/json')
    response.end(
      JSON.stringify({
        saleId,
        items,
        userLimit: this.userLimit,
        reservationTtlMs: ttlMs,
        sold,
        reserved,
        available: items - sold - reserved,
      }),
    )
  }
}

function send(response: ServerResponse, { status, body, reason }: FakeAnswer): void {
  response.statusCode = status
  if (reason === '') return void response.end(body)
  response.setHeader('Content-Type', 'application/problem+json')
  response.end(JSON.stringify({ type: 'about:blank', status, reason }))
}
