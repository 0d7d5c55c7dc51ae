import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakePurchase {
  readonly saleId: number
  readonly itemId: number
  readonly userId: string
  readonly code: string
}
export interface FakeCheckout extends FakePurchase {
  readonly createdAtMs: number
  readonly expiresAtMs: number
}
/** Where the fake keeps its rows; the promise resolves when a row is durable. */
export interface FakeStore {
  sale(saleId: number, items: number, userLimit: number): Promise<void>
  checkout(row: FakeCheckout): Promise<void>
  purchase(row: FakePurchase): Promise<void>
}

/** Lies that a service could tell; each is told on every tenth occasion, except where said. */
export type Defect =
  | 'oversells'
  | 'loses a purchase'
  | 'sells eleven'
  | 'reserves without a row'
  | 'crosses a sale'
  | 'gives one code twice'
  | 'writes another user'
  | 'refuses a living reservation'
  | 'sells what nobody asked for'
  | 'answers without a code'

export interface FakeOptions {
  readonly items: number
  readonly userLimit?: number
  readonly ttlMs?: number
  readonly saleId?: number
  readonly defect?: Defect
  readonly store?: FakeStore
  /** Called before each request; true when it has dealt with it. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean
  /**
   * Answers of this kind, every n-th: a 503 for which nothing happened, and one for which it did.
   */
  readonly overloadEvery?: number
  readonly doubtEvery?: number
}

interface Slot {
  code: string
  userId: string
  expiresAtMs: number
  isSold: boolean
}

/**
 * An honest flash sale in memory, over node:http, that can be told to lie. What it holds survives
 * `crash`.
 */
export class FakeSale {
  readonly options: FakeOptions
  readonly userLimit: number
  saleId: number
  port = 0
  requestCount = 0
  connectionCount = 0
  private readonly slots: Slot[]
  private readonly counts = new Map<string, number>()
  private server: Server | undefined
  private lieCount = 0
  private lastCode = ''

  constructor(options: FakeOptions) {
    this.options = options
    this.userLimit = options.userLimit ?? 10
    this.saleId = options.saleId ?? 1_800_000_000
    this.slots = Array.from({ length: options.items }, emptySlot)
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get soldCount(): number {
    return this.slots.filter((slot) => slot.isSold).length
  }

  /** The items' state, for a test to change it. */
  slotsForTest(): { isSold: boolean }[] {
    return this.slots
  }

  /** Begins to serve; after a crash, on the same port with the same state. */
  async start(): Promise<void> {
    if (this.port === 0)
      await this.options.store?.sale(this.saleId, this.options.items, this.userLimit)
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
  }

  /** Cuts every connection, answers nothing more and stops listening. */
  async crash(): Promise<void> {
    const server = this.server
    if (server === undefined) return
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

  /**
   * Starts the next sale: all items are free again, the codes of the old one are honoured no more.
   */
  rotate(): void {
    this.saleId += 3_600
    for (let i = 0; i < this.slots.length; i++) this.slots[i] = emptySlot()
    this.counts.clear()
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake')
    const parameters = url.searchParams
    if (url.pathname === '/sale') return this.sale(response)
    if (request.method !== 'POST') return refuse(response, 404, 'not_found')
    const { overloadEvery = 0, doubtEvery = 0 } = this.options
    if (overloadEvery > 0 && this.requestCount % overloadEvery === 0) {
      response.setHeader('Retry-After', '0')
      return refuse(response, 503, 'overloaded')
    }
    const isDoubtful = doubtEvery > 0 && this.requestCount % doubtEvery === 0
    if (url.pathname === '/checkout') {
      await this.checkout(
        parameters.get('user_id') ?? '',
        Number(parameters.get('item_id')),
        response,
        isDoubtful,
      )
    } else if (url.pathname === '/purchase') {
      await this.purchase(parameters.get('code') ?? '', response, isDoubtful)
    } else {
      refuse(response, 404, 'not_found')
    }
  }

  private sale(response: ServerResponse): void {
    const now = Date.now()
    const sold = this.soldCount
    const reserved = this.slots.filter((slot) => !slot.isSold && slot.expiresAtMs > now).length
    const items = this.options.items
    const { saleId, userLimit } = this
    response.setHeader('Content-Type', 'application/json')
    response.end(
      JSON.stringify({
        saleId,
        items,
        userLimit,
        sold,
        reserved,
        available: items - sold - reserved,
      }),
    )
  }

  private async checkout(
    userId: string,
    itemId: number,
    response: ServerResponse,
    isDoubtful: boolean,
  ): Promise<void> {
    const now = Date.now()
    const slot = this.slots[itemId]
    if (slot === undefined || !/^-?\d+$/.test(userId))
      return refuse(response, 400, 'invalid_parameter')
    if (slot.isSold && !this.lies('oversells')) return refuse(response, 409, 'item_sold')
    if (!slot.isSold && slot.expiresAtMs > now) return refuse(response, 409, 'item_reserved')
    if (!slot.isSold && slot.code !== '') this.release(slot)
    const limit = this.options.defect === 'sells eleven' ? this.userLimit + 1 : this.userLimit
    const count = this.counts.get(userId) ?? 0
    if (count >= limit) return refuse(response, 409, 'user_limit_reached')
    this.counts.set(userId, count + 1)
    const isRepeat = this.lastCode !== '' && this.lies('gives one code twice')
    const code = isRepeat ? this.lastCode : this.newCode()
    this.lastCode = code
    const expiresAtMs = now + (this.options.ttlMs ?? 60_000)
    this.slots[itemId] = { code, userId, expiresAtMs, isSold: false }
    if (!this.lies('reserves without a row')) {
      const row = { saleId: this.saleId, itemId, userId, code, createdAtMs: now, expiresAtMs }
      await this.options.store?.checkout(row)
    }
    if (this.lies('answers without a code')) return void response.end('reserved')
    if (isDoubtful) return refuse(response, 503, 'storage_unavailable')
    response.end(code)
  }

  private async purchase(
    code: string,
    response: ServerResponse,
    isDoubtful: boolean,
  ): Promise<void> {
    const itemId = this.slots.findIndex((slot) => slot.code === code)
    const slot = this.slots[itemId]
    if (slot === undefined) return refuse(response, 409, 'unknown_code')
    if (slot.isSold) return refuse(response, 409, 'already_purchased')
    if (slot.expiresAtMs <= Date.now() || this.lies('refuses a living reservation')) {
      return refuse(response, 409, 'reservation_expired')
    }
    slot.isSold = true
    if (!this.lies('loses a purchase')) {
      const crosses = this.lies('crosses a sale')
      await this.options.store?.purchase({
        saleId: crosses ? this.saleId + 3_600 : this.saleId,
        itemId,
        userId: this.lies('writes another user') ? '999' : slot.userId,
        code,
      })
    }
    if (this.lies('sells what nobody asked for')) {
      const row = { saleId: this.saleId, itemId, userId: slot.userId, code: this.newCode() }
      await this.options.store?.purchase(row)
    }
    if (isDoubtful) return refuse(response, 503, 'storage_unavailable')
    response.end()
  }

  /**
   * Frees an expired slot at once: left as it is, the next try would release the same user again.
   */
  private release(slot: Slot): void {
    this.counts.set(slot.userId, (this.counts.get(slot.userId) ?? 0) - 1)
    slot.code = ''
  }

  private newCode(): string {
    return this.saleId.toString(16).padStart(8, '0') + randomUUID().slice(8)
  }

  private lies(defect: Defect): boolean {
    return this.options.defect === defect && ++this.lieCount % 10 === 0
  }
}

function emptySlot(): Slot {
  return { code: '', userId: '', expiresAtMs: 0, isSold: false }
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.statusCode = status
  response.setHeader('Content-Type', 'application/problem+json')
  response.end(JSON.stringify({ type: 'about:blank', status, reason }))
}
