import type { IncomingMessage, ServerResponse } from 'node:http'
import { Peers } from './peers.ts'
import { type Problem, problems } from './problem.ts'

const CODE_HEADERS: string[] = Object.freeze([
  'Content-Type',
  'text/plain; charset=utf-8',
  'Content-Length',
  '36',
  'Cache-Control',
  'no-store',
]) as string[]

const KEPT_HEADERS: string[] = Object.freeze(['Connection', 'keep-alive']) as string[]

/**
 * Counts what a thread has answered. Plain numbers: one thread writes them, and reports them when
 * asked.
 */
export class AnswerCounts {
  readonly #byStatus = new Float64Array(600)
  readonly #problems = new Map<Problem, number>()
  total = 0

  count(status: number): void {
    this.total++
    this.#byStatus[status]!++
  }

  countProblem(problem: Problem): void {
    this.count(problem.status)
    this.#problems.set(problem, (this.#problems.get(problem) ?? 0) + 1)
  }

  byStatus(): Record<string, number> {
    const counts: Record<string, number> = {}
    this.#byStatus.forEach((count, status) => {
      if (count > 0) counts[status] = count
    })
    return counts
  }

  byReason(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const [{ reason }, count] of this.#problems)
      counts[reason] = (counts[reason] ?? 0) + count
    return counts
  }
}

/**
 * Writes answers in the fastest form that `node:http` has: a prebuilt flat header array with a
 * Content-Length, and a short latin1 string as the body (performance.md: 1.07 x of the usual way).
 * While draining the last answer of each connection carries `Connection: close`.
 */
export class Responder {
  readonly counts = new AnswerCounts()
  readonly peers: Peers
  isDraining = false

  constructor(peers = new Peers()) {
    this.peers = peers
  }

  problem(response: ServerResponse, problem: Problem): void {
    this.counts.countProblem(problem)
    this.peers.takeAnswer(response, problem.body.length)
    if (problem.closes) response.shouldKeepAlive = false
    this.#write(response, problem.status, problem.headers, problem.body)
  }

  /** The 36 characters of a checkout code, and nothing else. */
  code(response: ServerResponse, code: string): void {
    this.counts.count(200)
    this.#write(response, 200, CODE_HEADERS, code)
  }

  /** A body of ASCII characters. A long one is refused to clients that leave too many unread. */
  text(response: ServerResponse, status: number, contentType: string, body: string): void {
    if (!this.peers.takeAnswer(response, body.length)) return this.problem(response, problems.overloaded)
    this.counts.count(status)
    this.#write(
      response,
      status,
      [
        'Content-Type',
        contentType,
        'Content-Length',
        String(body.length),
        'Cache-Control',
        'no-store',
      ],
      body,
    )
  }

  /** Whether a long answer would be refused, so that it need not be made. */
  refusesLong(response: ServerResponse): boolean {
    return this.peers.refusesLong(response)
  }

  json(response: ServerResponse, value: unknown, status = 200): void {
    this.text(response, status, 'application/json', JSON.stringify(value))
  }

  /** 204: a body, and with it a length, is not allowed. */
  empty(response: ServerResponse): void {
    this.counts.count(204)
    // Without a length node:http ends the connection of an HTTP/1.0 client, and with it what it has asked for since.
    const stays = response.req.httpVersionMinor === 0 && this.#staysOpen(response)
    this.#write(response, 204, stays ? KEPT_HEADERS : [], '')
  }

  /** What the successor has answered, closed by the same rules as an answer of this instance. Throws where node:http does. */
  passOn(response: ServerResponse, status: number, headers: string[], latin1Body: string): void {
    if (!this.peers.takeAnswer(response, latin1Body.length)) return this.problem(response, problems.overloaded)
    this.#write(response, status, headers, latin1Body)
    this.counts.count(status)
  }

  #write(response: ServerResponse, status: number, headers: string[], body: string): void {
    response.shouldKeepAlive = this.#staysOpen(response)
    response.writeHead(status, headers)
    response.end(body, 'latin1')
  }

  #staysOpen(response: ServerResponse): boolean {
    return (response.shouldKeepAlive && !this.isDraining) || !this.peers.mayClose(response)
  }
}

/**
 * Whether the client asked for JSON. Reads the raw headers: building `request.headers` costs a
 * microsecond.
 */
export function wantsJson(request: IncomingMessage): boolean {
  const accept = listHeader(request, 'accept')
  return accept !== undefined && accept.includes('application/json')
}

/** The first header of this name (lower case), without building the object of all headers. */
export function rawHeader(request: IncomingMessage, name: string): string | undefined {
  const headers = request.rawHeaders
  for (let index = 0; index < headers.length; index += 2) {
    const candidate = headers[index]!
    if (candidate.length === name.length && candidate.toLowerCase() === name)
      return headers[index + 1]
  }
  return undefined
}

/** Of a header that is a list, all its lines as one (RFC 9110 section 5.3). */
export function listHeader({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  let list: string | undefined
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const candidate = rawHeaders[index]!
    if (candidate.length !== name.length || candidate.toLowerCase() !== name) continue
    list = list === undefined ? rawHeaders[index + 1]! : `${list}, ${rawHeaders[index + 1]!}`
  }
  return list
}
