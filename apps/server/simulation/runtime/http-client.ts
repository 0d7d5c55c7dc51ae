import { EventEmitter } from 'node:events'
import type { HttpOutcome } from './http-network.ts'
import type { SimulatedThread } from './simulated-thread.ts'

/** Server code asks servers of its own machine only. */
interface RequestOptions {
  readonly port: number
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeout: number
}

/** Connections are not shared in the simulation: each request has one. */
export class SimulatedAgent {
  destroy(): void {}
}

/** `request` of node:http for one thread. */
export function requestFrom(thread: SimulatedThread): (options: RequestOptions) => OutgoingRequest {
  return (options) => new OutgoingRequest(thread, options)
}

class OutgoingRequest extends EventEmitter {
  readonly #thread: SimulatedThread
  readonly #options: RequestOptions
  #isOver = false

  constructor(thread: SimulatedThread, options: RequestOptions) {
    super()
    this.#thread = thread
    this.#options = options
  }

  end(): void {
    const { port, method, path, headers, timeout } = this.#options
    this.#thread.process.world.counters.add('request passed on to the successor')
    const timer = this.#thread.after(timeout, () => { if (!this.#isOver) this.emit('timeout') })
    ask(this.#thread, port, { method, url: path, headers }, (outcome) => {
      timer.cancel()
      if (this.#isOver) return
      this.#isOver = true
      if ('error' in outcome) {
        this.emit('error', Object.assign(new Error(`connect ${outcome.error}`), { code: 'ECONNRESET' }))
        return
      }
      const answer = Object.assign(new EventEmitter(), {
        statusCode: outcome.status, headers: { ...outcome.headers }, rawHeaders: Object.entries(outcome.headers).flat(),
      })
      this.emit('response', answer)
      if (outcome.body !== '') answer.emit('data', Buffer.from(outcome.body, 'latin1'))
      answer.emit('end')
    })
  }

  destroy(): void {
    this.#isOver = true
  }
}

interface FetchOptions {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** The global `fetch` for one thread, as far as the server uses it. */
export function fetchFrom(thread: SimulatedThread): (url: string, options: FetchOptions) => Promise<unknown> {
  return (url, { method, headers, signal }) => new Promise((resolve, reject) => {
    const { port, pathname } = new URL(url)
    signal.addEventListener('abort', () => reject(signal.reason as Error))
    ask(thread, Number(port), { method, url: pathname, headers }, (outcome) => {
      if ('error' in outcome) return reject(new TypeError('fetch failed', { cause: new Error(outcome.error) }))
      resolve({ status: outcome.status, text: async () => outcome.body })
    })
  })
}

function ask(
  thread: SimulatedThread, port: number, request: { method: string, url: string, headers: Readonly<Record<string, string>> },
  onOutcome: (outcome: HttpOutcome) => void,
): void {
  const { process } = thread
  if (!process.mayEffect()) return
  const connection = process.world.http.connect(process.machine.name, port)
  if (connection === undefined) {
    thread.after(0.2, () => onOutcome({ error: 'refused' }))
    return
  }
  connection.request(request, (outcome) => {
    thread.after(0, () => onOutcome(outcome))
    connection.close()
  })
}
