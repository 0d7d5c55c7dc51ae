import type { CallStep, RecordedCall } from '@megacache/loadgen'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from 'undici'

/** A client gives up after this, in milliseconds: the call is unknown then. */
const PATIENCE_MS = 4_000
/** The request never left: no call at all. */
const NOT_SENT: ReadonlySet<string> = new Set(['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_DESTROYED', 'UND_ERR_CLOSED'])
const REASON = /"reason":"(\w+)"/

export interface Held {
  readonly code: string
  readonly itemId: number
  readonly userId: string
}

/** Makes the calls of a sale, over connections that stay open, and records each with its interval. */
export class SaleCalls {
  readonly calls: RecordedCall[] = []
  /** Answers that no request of these may get. */
  readonly strange: string[] = []
  /** When a write was last refused because the database does not take it; Unix milliseconds. */
  unavailableAtMs = 0
  longestMs = 0
  /** Each call waits so long before it is sent: where another process is to start beside the busy one, on two cores. */
  restMs = 0
  readonly #target: () => string
  readonly #agent: Agent
  /** Wall time at the begin, monotonic from then on. */
  readonly #originMs = Date.now() - performance.now()

  /** `target`: where the service is now. */
  constructor(target: () => string, connections: number) {
    this.#target = target
    this.#agent = new Agent({ connections, pipelining: 1, headersTimeout: PATIENCE_MS, bodyTimeout: PATIENCE_MS, connect: { timeout: PATIENCE_MS } })
  }

  nowMs(): number {
    return this.#originMs + performance.now()
  }

  checkout(userId: string, itemId: number): Promise<RecordedCall | undefined> {
    return this.#call('checkout', 'POST', `/checkout?user_id=${userId}&item_id=${itemId}`, { code: '', itemId, userId })
  }

  purchase(held: Held): Promise<RecordedCall | undefined> {
    return this.#call('purchase', 'POST', `/purchase?code=${held.code}`, held)
  }

  cancel(held: Held): Promise<RecordedCall | undefined> {
    return this.#call('cancel', 'DELETE', `/reservations/${held.code}`, held)
  }

  read(held: Held): Promise<RecordedCall | undefined> {
    return this.#call('read', 'GET', `/reservations/${held.code}`, held)
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }

  /** The call as it is recorded; undefined when it never left. */
  async #call(step: CallStep, method: 'POST' | 'GET' | 'DELETE', path: string, held: Held): Promise<RecordedCall | undefined> {
    if (this.restMs > 0) await sleep(this.restMs)
    const sentAtMs = this.nowMs()
    let status = 0
    let reason = ''
    let text = ''
    try {
      const answer = await this.#agent.request({ origin: this.#target(), path, method })
      text = await answer.body.text()
      status = answer.statusCode
      if (status >= 400) reason = REASON.exec(text)?.[1] ?? ''
    } catch (error) {
      reason = codeOf(error)
      if (NOT_SENT.has(reason)) return undefined
    }
    const answeredAtMs = this.nowMs()
    if (status > 0) this.longestMs = Math.max(this.longestMs, answeredAtMs - sentAtMs)
    if (reason === 'storage_unavailable') this.unavailableAtMs = answeredAtMs
    if (status >= 500 && status !== 503) this.strange.push(`${method} ${path} answered ${status}: ${text.slice(0, 200)}`)
    const outcome = status === 0 || status >= 500 ? 'unknown' : status >= 400 ? 'refused' : 'acknowledged'
    const code = step === 'checkout' && outcome === 'acknowledged' ? text : held.code
    const about = step === 'read' && outcome === 'acknowledged' ? shown(text) : { itemId: held.itemId, userId: held.userId }
    const call = { step, outcome, status, reason, saleId: code === '' ? 0 : saleIdOf(code), code, sentAtMs, answeredAtMs, ...about } as const
    this.calls.push(call)
    return call
  }
}

/** The sale that a code names. */
export function saleIdOf(code: string): number {
  return Number.parseInt(code.slice(0, 8), 16)
}

function shown(text: string): { state: string; itemId: number; userId: string } {
  const { state, itemId, userId } = JSON.parse(text) as { state: string; itemId: number; userId: string }
  return { state, itemId, userId }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
