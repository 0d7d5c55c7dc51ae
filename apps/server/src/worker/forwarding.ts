import { Agent, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http'
import { problems } from '../http/problem.ts'
import type { Responder } from '../http/respond.ts'

/** Longer than any answer takes: the successor parks two seconds and waits five for the database. */
const ANSWER_MS_MAX = 9_000

/**
 * Passes requests to the successor on the same port. After a hand-over clients still hold connections
 * to this process; closing one could cut a request that is just being written, and refusing it would fail it. Each
 * answer tells its client to close, so that these connections come to an end.
 */
export class Forwarding {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 })
  readonly #host: string
  readonly #port: number
  readonly #responder: Responder
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

  /** Bodies mean nothing to this service and are not passed on. */
  forward(request: IncomingMessage, response: ServerResponse): void {
    const { method, url, headers } = request
    const { 'content-length': _length, 'transfer-encoding': _coding, expect: _expect, connection: _connection, ...kept } = headers
    const outgoing = httpRequest({
      host: this.#host,
      port: this.#port,
      agent: this.#agent,
      method,
      path: url,
      headers: { ...kept, 'content-length': '0' },
      timeout: ANSWER_MS_MAX,
    })
    this.#open++
    response.once('close', () => { this.#open-- })
    let isOver = false
    const fail = (): void => {
      if (isOver) return
      isOver = true
      outgoing.destroy()
      this.#responder.problem(response, method === 'POST' ? problems.purchase_in_doubt : problems.draining)
    }
    outgoing.once('timeout', fail)
    outgoing.once('error', fail)
    outgoing.once('response', (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.once('error', fail)
      answer.once('end', () => {
        if (isOver) return
        isOver = true
        const { connection: _hop, 'keep-alive': _alive, ...passed } = answer.headers
        response.writeHead(answer.statusCode ?? 502, { ...passed, connection: 'close' })
        response.end(Buffer.concat(chunks))
      })
    })
    outgoing.end()
  }

  close(): void {
    this.#agent.destroy()
  }
}
