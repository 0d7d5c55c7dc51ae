import { Client, type Dispatcher } from 'undici'
import type { RefusalReasons } from '../refusal-reason.ts'
import type { LoadClock } from '../load-clock.ts'
import { ANSWERED, Exchange, NOT_SENT, UNKNOWN } from './exchange.ts'

/** Longest body that is kept, in characters. */
const BODY_LENGTH_MAX = 65_536

/** What a connection needs and whom it tells. */
export interface ConnectionPorts {
  readonly url: string
  readonly requestTimeoutMs: number
  readonly clock: LoadClock
  readonly reasons: RefusalReasons
  /** A request of the scenario ended; the exchange says how. */
  ended(connection: Connection): void
  /** The connection is open, or the try to open it has failed. */
  opened(): void
  /** A bug: something threw where nothing may. */
  failed(error: unknown): void
}

/**
 * One TCP connection with one request at a time. It is its own response handler and reuses its
 * exchange and its request options, so a request costs no promise, no closure and no object of
 * ours.
 *
 * After a time-out or a cut connection the client is replaced: what the old socket may still
 * deliver is never taken for the answer to a later request.
 */
export class Connection implements Dispatcher.DispatchHandler {
  readonly exchange: Exchange
  /** Cancels the pause that the connection is in; undefined when it is in none. */
  cancelPause: (() => void) | undefined

  private readonly ports: ConnectionPorts
  private readonly request: Dispatcher.DispatchOptions = { path: '/', method: 'POST' }
  private readonly closing = new Set<Promise<void>>()
  private client: Client
  private isOpening = false
  private isSent = false
  private bodyLength = 0

  constructor(index: number, ports: ConnectionPorts) {
    this.exchange = new Exchange(index)
    this.ports = ports
    this.client = this.connect()
  }

  /** Opens the connection with a request that is not counted. */
  open(): void {
    this.isOpening = true
    this.client.dispatch({ path: '/sale', method: 'GET' }, this)
  }

  /** Sends the request that the exchange describes. */
  send(): void {
    const exchange = this.exchange
    this.request.path = exchange.path
    this.isSent = false
    exchange.sentAtMs = this.ports.clock.monotonicMs()
    exchange.dueAtMs = exchange.sentAtMs
    this.client.dispatch(this.request, this)
  }

  /**
   * Closes the socket; a request in flight ends as unknown. Resolves when nothing is left behind.
   */
  async close(): Promise<void> {
    this.discardClient()
    await Promise.all(this.closing)
  }

  onRequestStart(): void {
    this.isSent = true
    this.bodyLength = 0
    this.exchange.body = ''
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.exchange.status = status
    this.exchange.retryAfterMs = status === 503 ? retryAfterMs(headers['retry-after']) : 0
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.bodyLength >= BODY_LENGTH_MAX) return
    const text = chunk.toString('latin1')
    this.exchange.body = this.bodyLength === 0 ? text : this.exchange.body + text
    this.bodyLength += text.length
  }

  onResponseEnd(): void {
    const exchange = this.exchange
    exchange.endedAtMs = this.ports.clock.monotonicMs()
    exchange.outcome = ANSWERED
    exchange.reason = exchange.status >= 400 ? this.ports.reasons.read(exchange.body) : ''
    this.tell()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const exchange = this.exchange
    exchange.endedAtMs = this.ports.clock.monotonicMs()
    exchange.outcome = this.isSent ? UNKNOWN : NOT_SENT
    exchange.status = 0
    exchange.reason = errorCode(error)
    this.tell()
  }

  /** Gives the connection a new socket; what the old one was waiting for has been reported. */
  replaceClient(): void {
    this.discardClient()
    this.client = this.connect()
  }

  private tell(): void {
    try {
      if (this.isOpening) {
        this.isOpening = false
        this.ports.opened()
      } else {
        this.ports.ended(this)
      }
    } catch (error) {
      // Thrown back, it would be taken for a broken answer by the client and hidden.
      this.ports.failed(error)
    }
  }

  private connect(): Client {
    const { url, requestTimeoutMs } = this.ports
    return new Client(url, {
      pipelining: 1,
      connectTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      bodyTimeout: requestTimeoutMs,
    })
  }

  private discardClient(): void {
    const gone = this.client.destroy().finally(() => this.closing.delete(gone))
    this.closing.add(gone)
  }
}

/** Seconds of a `Retry-After` header as milliseconds; 0 when it is absent or a date. */
function retryAfterMs(header: string | string[] | undefined): number {
  const text = typeof header === 'string' ? header : ''
  return /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : 0
}

/** The stable code of a network error: `ECONNRESET`, `UND_ERR_HEADERS_TIMEOUT`, and so on. */
function errorCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
