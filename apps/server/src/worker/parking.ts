import type { IncomingMessage, ServerResponse } from 'node:http'
import { problems } from '../http/problem.ts'
import type { Responder } from '../http/respond.ts'

/** How long a client waits for an instance that is about to become active. Spec section 6. */
const PARKED_MS_MAX = 2_000
const PARKED_MAX = 10_000
const LOOK_EVERY_MS = 100

export type Serve = (request: IncomingMessage, response: ServerResponse) => void

interface Parked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly sinceMs: number
}

/** Requests that came to an instance before it is active: they wait, at most two seconds. */
export class Parking {
  readonly #responder: Responder
  readonly #timer: NodeJS.Timeout
  #parked: Parked[] = []

  constructor(responder: Responder) {
    this.#responder = responder
    this.#timer = setInterval(() => this.#sendAwayTheOld(), LOOK_EVERY_MS)
    this.#timer.unref()
  }

  park(request: IncomingMessage, response: ServerResponse): void {
    if (this.#parked.length >= PARKED_MAX) return this.#responder.problem(response, problems.overloaded)
    this.#parked.push({ request, response, sinceMs: performance.now() })
  }

  /** The instance is active: all requests are served in the order of their arrival. */
  open(serve: Serve): void {
    clearInterval(this.#timer)
    for (const { request, response } of this.#parked.splice(0)) serve(request, response)
  }

  /** The instance ends before it is active: nothing was done for anybody. */
  refuse(): void {
    clearInterval(this.#timer)
    for (const { response } of this.#parked.splice(0)) this.#responder.problem(response, problems.draining)
  }

  /** They stand in the order of their arrival, so those that have waited too long come first. */
  #sendAwayTheOld(): void {
    const before = performance.now() - PARKED_MS_MAX
    const stays = this.#parked.findIndex(({ sinceMs }) => sinceMs > before)
    const old = this.#parked.splice(0, stays < 0 ? this.#parked.length : stays)
    for (const { response } of old) this.#responder.problem(response, problems.overloaded)
  }
}
