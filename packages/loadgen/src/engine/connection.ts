import { Client, type Dispatcher } from 'undici'
import type { LoadClock } from '../load-clock.ts'
import { LoadgenError } from '../loadgen-error.ts'
import type { RefusalReasons } from '../refusal-reason.ts'
import { authorized } from './authorized.ts'
import { ANSWERED, Exchange, NOT_SENT, UNKNOWN } from './exchange.ts'

/** Longest body that is kept, in characters. */
const BODY_LENGTH_MAX = 65_536

/** One connection with one request at a time, however it is made. */
export interface LoadConnection {
  /** Opens it with a GET that is not counted. */
  open(path: string): void
  /** Sends a request; `ended` is told once. The exchange must not be touched before. */
  send(exchange: Exchange): void
  /**
   * Closes the socket; a request in flight ends as unknown. Resolves when nothing is left behind.
   */
  close(): Promise<void>
  /** Forgets a socket whose request has no answer: what it may still deliver is not heard. */
  replaceClient(): void
}

/** What a connection needs and whom it tells. */
export interface ConnectionPorts {
  readonly url: string
  readonly authorization: string | undefined
  readonly requestTimeoutMs: number
  readonly clock: LoadClock
  readonly reasons: RefusalReasons
  /** The request in hand ended; the exchange says how. */
  ended(connection: LoadConnection, exchange: Exchange): void
  /** The connection is open, or the try to open it has failed. */
  opened(): void
  /** A bug: something threw where nothing may. */
  failed(error: unknown): void
}

/**
 * The request options that are reused. `idempotent` lets the client write the next request from
 * within the end of the last one, instead of two turns of the event loop later; it repeats nothing
 * by itself. `blocking: false` spares a look at the queue for each answer.
 */
interface ReusedOptions extends Dispatcher.DispatchOptions {
  path: string
  method: Dispatcher.HttpMethod
  headers: Readonly<Record<string, string>> | null
  body: string | Uint8Array | null
}

/**
 * One TCP connection with one request at a time. It is its own response handler and reuses its
 * request options, so a request costs no promise, no closure and no object of ours.
 *
 * The client may have two requests so that the second can be written the moment the first has
 * ended; since the next is only handed over then, there are never two under way (no pipelining).
 *
 * After a time-out or a cut connection the client is replaced: what the old socket may still
 * deliver is never taken for the answer to a later request.
 */
export class Connection implements LoadConnection, Dispatcher.DispatchHandler {
  private readonly ports: ConnectionPorts
  private readonly options: ReusedOptions = {
    path: '/',
    method: 'POST',
    headers: null,
    body: null,
    idempotent: true,
    blocking: false,
  }
  private readonly closing = new Set<Promise<void>>()
  private exchange: Exchange
  private client: Client
  private isOpening = false
  private isSent = false

  constructor(ports: ConnectionPorts) {
    this.ports = ports
    this.exchange = new Exchange({ exchangeEnded: () => {} }, -1)
    this.client = this.connect()
  }

  /** Opens the connection with a GET that is not counted. */
  open(path: string): void {
    this.isOpening = true
    const headers = authorized(undefined, this.ports.authorization) ?? null
    this.client.dispatch({ path, method: 'GET', headers }, this)
  }

  /** Sends a request; `ended` is told once. The exchange must not be touched before. */
  send(exchange: Exchange): void {
    const options = this.options
    options.path = exchange.path
    options.method = exchange.method
    options.headers = authorized(exchange.requestHeaders, this.ports.authorization) ?? null
    options.body = exchange.requestBody ?? null
    this.exchange = exchange
    this.isSent = false
    exchange.sentAtMs = this.ports.clock.monotonicMs()
    this.client.dispatch(options, this)
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
    this.exchange.body = ''
    this.exchange.bodyBytes = 0
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    const exchange = this.exchange
    exchange.status = status
    exchange.headers = headers
    exchange.retryAfterMs = status === 503 ? retryAfterMs(headers['retry-after']) : 0
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const exchange = this.exchange
    if (exchange.bodyBytes === 0) exchange.body = chunk.toString('latin1', 0, BODY_LENGTH_MAX)
    else if (exchange.bodyBytes < BODY_LENGTH_MAX) {
      exchange.body += chunk.toString('latin1', 0, BODY_LENGTH_MAX - exchange.bodyBytes)
    }
    exchange.bodyBytes += chunk.length
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
    if (exchange.reason === 'UND_ERR_INVALID_ARG') {
      const what = `${exchange.method} ${exchange.path} is no HTTP request: ${error.message}`
      return this.ports.failed(new LoadgenError('LOADGEN_SCENARIO_INVALID', what, error))
    }
    // The client takes no request from within its failure to connect, and the last one opened begins the run.
    if (this.isOpening) queueMicrotask(() => this.tell())
    else this.tell()
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
        this.ports.ended(this, this.exchange)
      }
    } catch (error) {
      // Thrown back, it would be taken for a broken answer by the client and hidden.
      this.ports.failed(error)
    }
  }

  private connect(): Client {
    const { url, requestTimeoutMs } = this.ports
    return new Client(url, {
      pipelining: 2,
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
