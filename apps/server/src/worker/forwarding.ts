import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Problem, problems } from '../http/problem.ts'
import { listHeader, rawHeader, type Responder } from '../http/respond.ts'

/** Longer than any answer takes: the successor parks two seconds and waits five for the database. */
const ANSWER_MS_MAX = 9_000
/** The longest answer of this service is a page of a thousand items, a tenth of it. */
const ANSWER_BYTES_MAX = 2_097_152
/** All that the service reads of a request besides its method, target and body. */
const PASSED_ON = ['host', 'accept', 'content-type'] as const
/** Of one connection (RFC 9110 section 7.6.1); the length is that of the body that has come. */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'content-length',
])

/**
 * Passes requests to the successor on the same port. After a hand-over clients still hold connections
 * to this process; closing one could cut a request that is just being written, and refusing it would fail it. The last
 * answer of each connection tells its client to close, so that these connections come to an end.
 *
 * Whatever goes wrong with one request, also what node:http throws at its parts, is one 503 for it and nothing else.
 */
export class Forwarding {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 })
  readonly #host: string
  readonly #port: number
  readonly #responder: Responder
  readonly #openBySocket = new WeakMap<Socket, { count: number }>()
  #open = 0

  constructor(host: string, port: number, responder: Responder) {
    this.#host = host
    this.#port = port
    this.#responder = responder
  }

  /** Requests that were passed on and have no answer yet. */
  get open(): number {
    return this.#open
  }

  /** `body` is what the public server has read, bounded by it. */
  forward(request: IncomingMessage, response: ServerResponse, body: string | Buffer = ''): void {
    const { method } = request
    let outgoing: ClientRequest | undefined
    let isOver = false
    const fail = (problem: Problem): void => {
      if (isOver) return
      isOver = true
      outgoing?.destroy()
      this.#responder.problem(response, problem)
    }
    try {
      outgoing = this.#ask(request, body)
    } catch {
      // A target or header that node:http takes and does not send: nobody has seen the request.
      return fail(problems.draining)
    }
    this.#count(request.socket, response)
    const lost = (): void => fail(method === 'POST' ? problems.purchase_in_doubt : problems.draining)
    outgoing.once('timeout', lost).on('error', lost).once('close', lost)
    outgoing.once('response', (answer) => {
      const chunks: Buffer[] = []
      let length = 0
      answer.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > ANSWER_BYTES_MAX) lost()
        else chunks.push(chunk)
      })
      answer.on('error', lost)
      answer.once('end', () => {
        if (isOver) return
        try {
          this.#passOn(answer, response, Buffer.concat(chunks))
          isOver = true
        } catch {
          lost()
        }
      })
    })
    outgoing.end(body)
  }

  close(): void {
    this.#agent.destroy()
  }

  #ask(request: IncomingMessage, body: string | Buffer): ClientRequest {
    const headers: Record<string, string> = { 'content-length': String(Buffer.byteLength(body)) }
    for (const name of PASSED_ON) {
      const value = name === 'accept' ? listHeader(request, name) : rawHeader(request, name)
      if (value !== undefined) headers[name] = value
    }
    const { method, url: path } = request
    return httpRequest({ host: this.#host, port: this.#port, agent: this.#agent, method, path, headers, timeout: ANSWER_MS_MAX })
  }

  #passOn(answer: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const { statusCode = 0, rawHeaders } = answer
    const headers: string[] = []
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = rawHeaders[index]!
      if (!OF_CONNECTION.has(name.toLowerCase())) headers.push(name, rawHeaders[index + 1]!)
    }
    // An answer to HEAD tells the length of what GET would bring.
    const length = response.req.method === 'HEAD' ? answer.headers['content-length'] : String(body.length)
    if (statusCode !== 204 && length !== undefined) headers.push('Content-Length', length)
    this.#responder.passOn(response, statusCode, headers, body.toString('latin1'))
  }

  /** Answers that wait behind others end without an event when the connection breaks: its own end counts for all. */
  #count(socket: Socket, response: ServerResponse): void {
    let open = this.#openBySocket.get(socket)
    if (open === undefined) {
      const added = open = { count: 0 }
      this.#openBySocket.set(socket, added)
      socket.once('close', () => {
        this.#open -= added.count
        added.count = 0
      })
    }
    const counted = open
    counted.count++
    this.#open++
    response.once('close', () => {
      if (counted.count === 0) return
      counted.count--
      this.#open--
    })
  }
}
