import { setTimeout as sleep } from 'node:timers/promises'
import { type RawAnswer, RawSocket } from '../harness/raw-socket.ts'

/** What clients of a constant load have seen. */
export interface LoadReport {
  readonly requests: number
  readonly purchases: number
  readonly slowestMs: number
  /** Everything that was not 200 in time, with what was asked; the first few. */
  readonly failures: readonly string[]
  readonly failureCount: number
  /** Answered 503 `overloaded` after two seconds, as section 6 says of requests that a new process cannot serve sooner. */
  readonly sentAway: number
}

export interface LoadOptions {
  readonly port: number
  /** Clients that keep their connection as long as they may, one request after the other. */
  readonly busy: number
  /** The same with pauses, so that their connections are idle most of the time. */
  readonly idle: number
  /** Clients that open a connection for each request. */
  readonly fresh: number
  readonly itemsMax: number
  /** Where pauses come from: at least 0, below 1. */
  readonly fraction: () => number
}

const FAILURES_SHOWN = 10
/** Two seconds of parking, but for the look of a timer. */
const SENT_AWAY_MS_MIN = 1_900
const BUSY_PAUSE_MS = 3
const IDLE_PAUSE_MS_MAX = 400
const FRESH_PAUSE_MS = 3

/** Buys one item after the other, each by another user, so that every answer must be 200. */
export class ConstantLoad {
  readonly #options: LoadOptions
  readonly #clients: Promise<void>[] = []
  readonly #failures: string[] = []
  #requests = 0
  #purchases = 0
  #slowestMs = 0
  #sentAway = 0
  #items = 0
  #isOver = false

  constructor(options: LoadOptions) {
    this.#options = options
    const { busy, idle, fresh, fraction } = options
    for (let i = 0; i < busy; i++) this.#clients.push(this.#buy(true, () => BUSY_PAUSE_MS))
    for (let i = 0; i < idle; i++) this.#clients.push(this.#buy(true, () => fraction() * IDLE_PAUSE_MS_MAX))
    for (let i = 0; i < fresh; i++) this.#clients.push(this.#buy(false, () => FRESH_PAUSE_MS))
  }

  get purchases(): number {
    return this.#purchases
  }

  async stop(): Promise<LoadReport> {
    this.#isOver = true
    await Promise.all(this.#clients)
    return {
      requests: this.#requests,
      purchases: this.#purchases,
      slowestMs: Math.round(this.#slowestMs),
      failures: this.#failures.slice(0, FAILURES_SHOWN),
      failureCount: this.#failures.length,
      sentAway: this.#sentAway,
    }
  }

  async #buy(keepsAlive: boolean, pauseMs: () => number): Promise<void> {
    const client = new Client(this.#options.port, keepsAlive)
    while (!this.#isOver && this.#items < this.#options.itemsMax) {
      const itemId = this.#items++
      const checkout = await this.#ask(client, `/checkout?user_id=${itemId}&item_id=${itemId}`)
      await sleep(pauseMs())
      if (checkout === undefined) continue
      const purchase = await this.#ask(client, `/purchase?code=${checkout.body}`)
      if (purchase !== undefined) this.#purchases++
      await sleep(pauseMs())
    }
    client.close()
  }

  async #ask(client: Client, path: string): Promise<RawAnswer | undefined> {
    const startedAt = performance.now()
    this.#requests++
    try {
      const answer = await client.post(path)
      if (answer.status === 200) return answer
      const isSentAway = answer.status === 503 && answer.body.includes('overloaded') && performance.now() - startedAt > SENT_AWAY_MS_MIN
      if (isSentAway) this.#sentAway++
      else this.#failed(path, startedAt, `${answer.status} ${answer.body}`)
    } catch (error) {
      this.#failed(path, startedAt, String(error))
      client.close()
    } finally {
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedAt)
    }
    return undefined
  }

  #failed(path: string, startedAt: number, what: string): void {
    this.#failures.push(`${path} after ${Math.round(performance.now() - startedAt)} ms: ${what}`)
  }
}

/** A client that follows HTTP to the letter: a connection that the server has announced to close is not used again. */
class Client {
  readonly #port: number
  readonly #keepsAlive: boolean
  #socket: RawSocket | undefined

  constructor(port: number, keepsAlive: boolean) {
    this.#port = port
    this.#keepsAlive = keepsAlive
  }

  async post(path: string): Promise<RawAnswer> {
    const socket = this.#socket ?? await RawSocket.open(this.#port)
    this.#socket = socket
    socket.send(`POST ${path} HTTP/1.1\r\nHost: a\r\n${this.#keepsAlive ? '' : 'Connection: close\r\n'}\r\n`)
    const answer = await socket.answer()
    if (!this.#keepsAlive || answer.headers['connection']?.toLowerCase() === 'close') this.close()
    return answer
  }

  close(): void {
    this.#socket?.finish()
    this.#socket = undefined
  }
}
