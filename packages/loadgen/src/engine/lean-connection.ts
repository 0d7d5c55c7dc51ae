import { connect, type Socket } from 'node:net'
import { LoadgenError } from '../loadgen-error.ts'
import { authorized } from './authorized.ts'
import type { ConnectionPorts, LoadConnection } from './connection.ts'
import { ANSWERED, Exchange, NOT_SENT, REQUEST_TIMEOUT, UNKNOWN } from './exchange.ts'
import { ResponseParser } from './response-parser.ts'
import { requestText } from './request-text.ts'

/** Socket reads of all connections of a thread land here: they are handled before the next one. */
const READ_BUFFER_BYTES = 65_536

/** What the lean connections of a thread share. */
export class LeanPorts {
  readonly ports: ConnectionPorts
  readonly host: string
  readonly port: number
  readonly hostHeader: string
  readonly readBuffer: Buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES)

  constructor(ports: ConnectionPorts) {
    const { hostname, port, host } = new URL(ports.url)
    this.ports = ports
    this.host = hostname.replace(/^\[(.*)\]$/, '$1')
    this.port = port === '' ? 80 : Number(port)
    this.hostHeader = host
  }
}

/**
 * A connection without a client library: one socket, one request at a time, plain HTTP/1.1. It
 * exists because a load generator has nothing but its CPU: see `bench/README.md` for what it saves.
 *
 * ```text
 *   none --send--> connecting --connected: write--> waiting --answer--> idle --send: write--> waiting
 *     ^                |failed: NOT_SENT               | cut, time-out: UNKNOWN   | closed
 *     '----------------'-------------------------------'--------------------------'
 * ```
 */
export class LeanConnection implements LoadConnection {
  private readonly shared: LeanPorts
  private readonly ports: ConnectionPorts
  private readonly parser = new ResponseParser()
  private readonly closing = new Set<Promise<void>>()
  private exchange: Exchange | undefined
  private text = ''
  private body: string | Uint8Array | undefined
  private socket: Socket | undefined
  private isConnected = false
  private isOpening = false

  constructor(shared: LeanPorts) {
    this.shared = shared
    this.ports = shared.ports
  }

  open(path: string): void {
    const exchange = new Exchange({ exchangeEnded: () => {} }, -1)
    exchange.method = 'GET'
    exchange.path = path
    this.isOpening = true
    this.send(exchange)
  }

  send(exchange: Exchange): void {
    let text: string
    try {
      text = requestText(exchange, this.shared.hostHeader, authorized(exchange.requestHeaders, this.ports.authorization))
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error)
      return this.ports.failed(new LoadgenError('LOADGEN_SCENARIO_INVALID', what, error))
    }
    this.exchange = exchange
    this.text = text
    this.body = exchange.requestBody
    exchange.sentAtMs = this.ports.clock.monotonicMs()
    if (this.socket === undefined) this.connect()
    else if (this.isConnected) this.write(this.socket)
  }

  async close(): Promise<void> {
    this.drop('ERR_CONNECTION_CLOSED')
    await Promise.all(this.closing)
  }

  /** A broken socket is already gone; the next request makes its own. */
  replaceClient(): void {}

  private connect(): void {
    const { host, port, readBuffer } = this.shared
    this.isConnected = false
    const socket = connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length) => {
          if (socket === this.socket) this.take(readBuffer.subarray(0, length))
          return true
        },
      },
    })
    this.socket = socket
    const gone = new Promise<void>((done) => socket.once('close', () => done()))
    const tracked = gone.then(() => void this.closing.delete(tracked))
    this.closing.add(tracked)
    socket.setTimeout(this.ports.requestTimeoutMs, () => {
      if (socket === this.socket && this.exchange !== undefined) this.drop(this.isConnected ? REQUEST_TIMEOUT : 'ETIMEDOUT')
    })
    socket.once('connect', () => {
      if (socket !== this.socket) return
      this.isConnected = true
      if (this.exchange !== undefined) this.write(socket)
    })
    socket.on('error', (error) => {
      if (socket === this.socket) this.drop('code' in error ? String(error.code) : error.name)
    })
    socket.on('close', () => {
      if (socket === this.socket) this.ended()
    })
  }

  private write(socket: Socket): void {
    if (this.body === undefined) {
      socket.write(this.text, 'latin1')
      return
    }
    socket.cork()
    socket.write(this.text, 'latin1')
    socket.write(this.body)
    socket.uncork()
  }

  private take(piece: Buffer): void {
    const { exchange, parser } = this
    // Nothing was asked for: whatever it is, it must not be taken for the next answer.
    if (exchange === undefined) return this.drop('ERR_UNASKED_ANSWER')
    try {
      if (!parser.take(piece, exchange.method === 'HEAD')) return
    } catch {
      return this.drop('ERR_NO_HTTP')
    }
    if (!parser.isKeptAlive) this.discardSocket()
    this.answered(exchange)
  }

  /** The other side has closed: that may be the end of the answer. */
  private ended(): void {
    const { exchange } = this
    const isEnd = exchange !== undefined && this.parser.close()
    if (!isEnd) return this.drop('ECONNRESET')
    this.discardSocket()
    this.answered(exchange)
  }

  private answered(exchange: Exchange): void {
    const { parser } = this
    this.exchange = undefined
    exchange.endedAtMs = this.ports.clock.monotonicMs()
    exchange.outcome = ANSWERED
    exchange.status = parser.status
    exchange.headers = parser.headers
    exchange.body = parser.body
    exchange.bodyBytes = parser.bodyBytes
    exchange.reason = parser.status >= 400 ? this.ports.reasons.read(parser.body) : ''
    const retryAfter = parser.status === 503 ? parser.headers['retry-after'] : undefined
    const isSeconds = typeof retryAfter === 'string' && /^\d{1,6}$/.test(retryAfter)
    exchange.retryAfterMs = isSeconds ? Number(retryAfter) * 1_000 : 0
    this.tell(exchange)
  }

  /** Gives the socket up, and with it the request in hand. */
  private drop(reason: string): void {
    const { exchange, isConnected } = this
    this.discardSocket()
    this.parser.close()
    if (exchange === undefined) return
    this.exchange = undefined
    exchange.endedAtMs = this.ports.clock.monotonicMs()
    exchange.outcome = isConnected ? UNKNOWN : NOT_SENT
    exchange.status = 0
    exchange.reason = reason
    this.tell(exchange)
  }

  private discardSocket(): void {
    this.socket?.destroy()
    this.socket = undefined
    this.isConnected = false
  }

  private tell(exchange: Exchange): void {
    try {
      if (this.isOpening) {
        this.isOpening = false
        this.ports.opened()
      } else {
        this.ports.ended(this, exchange)
      }
    } catch (error) {
      // Thrown back, it would be an error of the socket.
      this.ports.failed(error)
    }
  }
}
