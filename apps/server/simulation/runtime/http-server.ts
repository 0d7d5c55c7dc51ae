import { EventEmitter } from 'node:events'
import type { HttpAnswer, HttpConnection, HttpRequest, Listener } from './http-network.ts'
import type { SimulatedThread } from './simulated-thread.ts'

/** What shoppers ask for. */
const PUBLIC = /^\/(?:checkout|purchase|reservations)\b/

type Handler = (request: SimulatedRequest, response: SimulatedResponse) => void

interface ListenOptions {
  readonly port: number
  readonly reusePort?: boolean
  readonly exclusive?: boolean
}

/** `createServer` of node:http and node:net for one thread. */
export function createServerFor(thread: SimulatedThread): (options: unknown, handler: Handler) => SimulatedServer {
  return (options, handler) => new SimulatedServer(thread, typeof options === 'function' ? options as Handler : handler)
}

/** A server as the product knows it: `close` stops listening and cuts nobody off, which is net.Server's. */
export class SimulatedServer extends EventEmitter {
  readonly #thread: SimulatedThread
  readonly #handler: Handler
  readonly #connections = new Set<HttpConnection>()
  #listener: Listener | undefined

  constructor(thread: SimulatedThread, handler: Handler) {
    super()
    this.#thread = thread
    this.#handler = handler
  }

  listen({ port, reusePort, exclusive }: ListenOptions, onListening: () => void): void {
    const { process } = this.#thread
    const { http } = process.world
    this.#thread.after(0.05, () => {
      if (http.isTaken(process.machine.name, port) && (reusePort !== true || exclusive === true)) {
        this.emit('error', Object.assign(new Error(`listen EADDRINUSE: port ${port}`), { code: 'EADDRINUSE' }))
        return
      }
      this.#listener = {
        thread: this.#thread,
        port,
        connected: (socket) => this.#connected(socket),
        serve: (request, socket, answer) => this.#serve(request, socket, answer),
      }
      http.listen(this.#listener)
      onListening()
    })
  }

  address(): { port: number } | null {
    return this.#listener === undefined ? null : { port: this.#listener.port }
  }

  close(onClosed?: () => void): this {
    if (this.#listener !== undefined) this.#thread.process.world.http.unlisten(this.#listener)
    if (onClosed !== undefined) this.#thread.after(0, onClosed)
    return this
  }

  closeIdleConnections(): void {
    for (const connection of this.#connections) if (connection.isIdle) connection.close()
  }

  #connected(socket: EventEmitter): void {
    const { connection } = socket as EventEmitter & { connection: HttpConnection }
    if (!connection.isOpen) return
    this.#connections.add(connection)
    socket.once('close', () => this.#connections.delete(connection))
    this.emit('connection', socket)
  }

  #serve(request: HttpRequest, socket: EventEmitter, answer: (answer: HttpAnswer, isLast: boolean) => void): void {
    const message = new SimulatedRequest(request, socket)
    const { process } = this.#thread
    const receipt = PUBLIC.test(request.url) ? process.world.witness.received(process, request.method, request.url) : undefined
    this.#handler(message, new SimulatedResponse(message, this.#thread, (given, isLast) => {
      if (receipt !== undefined) process.world.witness.answered(receipt, given.status, given.body)
      answer(given, isLast)
    }))
  }
}

/** What node:http hands over for a request without a body. */
class SimulatedRequest extends EventEmitter {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly rawHeaders: readonly string[]
  readonly readableEnded = true
  readonly socket: EventEmitter

  constructor({ method, url, headers }: HttpRequest, socket: EventEmitter) {
    super()
    this.method = method
    this.url = url
    this.headers = headers
    this.rawHeaders = Object.entries(headers).flat()
    this.socket = socket
  }
}

/** Also what the product derives its own from, which the server here does not make. */
export class SimulatedResponse extends EventEmitter {
  readonly req: SimulatedRequest
  headersSent = false
  shouldKeepAlive = true
  readonly #thread: SimulatedThread
  readonly #answer: (answer: HttpAnswer, isLast: boolean) => void
  #status = 200
  #headers: Record<string, string> = {}
  #isEnded = false

  constructor(req: SimulatedRequest, thread: SimulatedThread, answer: (answer: HttpAnswer, isLast: boolean) => void) {
    super()
    this.req = req
    this.#thread = thread
    this.#answer = answer
  }

  writeHead(status: number, headers: readonly string[] | Readonly<Record<string, string>> = {}): this {
    if (this.headersSent) throw new Error('Cannot write headers after they are sent to the client')
    this.headersSent = true
    this.#status = status
    const pairs = Array.isArray(headers)
      ? Array.from({ length: headers.length / 2 }, (_none, index) => [headers[2 * index], headers[2 * index + 1]])
      : Object.entries(headers)
    this.#headers = Object.fromEntries(pairs.map(([name, value]) => [String(name).toLowerCase(), String(value)]))
    return this
  }

  end(body: string | Buffer = ''): this {
    if (this.#isEnded) throw new Error('a request was answered twice')
    this.#isEnded = true
    this.headersSent = true
    const isLast = !this.shouldKeepAlive || this.#headers['connection'] === 'close' ||
      this.req.headers['connection'] === 'close'
    this.#answer({ status: this.#status, headers: this.#headers, body: body.toString('latin1') }, isLast)
    this.#thread.after(0.02, () => {
      this.emit('finish')
      this.emit('close')
    })
    return this
  }
}
