import type { Call, History } from '../check/history.ts'
import type { HttpConnection, HttpNetwork, HttpOutcome } from '../runtime/http-network.ts'
import type { Counters } from '../world/counters.ts'
import type { Random } from '../world/random.ts'
import type { Scheduled, Timeline } from '../world/timeline.ts'
import type { Trace } from '../world/trace.ts'

const PORT = 8080
/** Longest pause, in mean pauses. */
const PACE = { usual: 5, slow: 40 } as const
const EAGER_MS = 10

export interface ShopperOptions {
  readonly timeline: Timeline
  readonly random: Random
  readonly trace: Trace
  readonly counters: Counters
  readonly http: HttpNetwork
  readonly history: History
  readonly machines: readonly string[]
  readonly items: number
  readonly users: readonly string[]
  /** Mean pause between two requests. */
  readonly thinkMs: number
  /** Which machine is ready, as a load balancer would know; eager shoppers ask there. */
  readonly readyMachine: () => string | undefined
  /** The lease epoch in the database. */
  readonly epochNow: () => number
}

interface Wanted {
  readonly kind: Call['kind']
  readonly method: string
  readonly url: string
  readonly userId?: string
  readonly itemId?: number
  readonly code?: string
}

/** One client with a few connections: reserves, buys, cancels, asks, tries again, gives up. */
export class Shopper {
  readonly #options: ShopperOptions
  readonly #name: string
  readonly #connections = new Map<string, HttpConnection>()
  /** Codes that it might still use. */
  #codes: string[] = []
  #mood: 'usual' | 'slow' | 'eager' = 'usual'
  #next: Scheduled | undefined
  #isStopped = false
  #nextItem = 0
  #isSoldOut = false

  constructor(name: string, options: ShopperOptions) {
    this.#name = name
    this.#options = options
    this.#later()
  }

  /** `slow` while the world heals; `eager` buys whatever it can and keeps all its promises. */
  become(mood: 'slow' | 'eager'): void {
    this.#mood = mood
    this.#next?.cancel()
    this.#later()
  }

  /** A few of everything at once: reservations, one code bought twice, look-ups of old codes. */
  crowd(): void {
    if (this.#isStopped || this.#mood === 'eager') return
    const { random, items, users } = this.#options
    for (let left = 3; left > 0; left--) this.#reserve(random.integer(0, items - 1), random.pick(users))
    const code = this.#codes.at(-1)
    if (code === undefined) return
    this.#purchase(code)
    this.#purchase(code)
    const [old] = this.#codes
    this.#send({ kind: 'read', method: 'GET', url: `/reservations/${old}`, code: old! })
    if (this.#codes.length > 2) this.#send({ kind: 'cancel', method: 'DELETE', url: `/reservations/${this.#codes[1]}`, code: this.#codes[1]! })
  }

  stop(): void {
    this.#isStopped = true
  }

  #later(): void {
    const { timeline, random, thinkMs } = this.#options
    this.#next = timeline.after(this.#mood === 'eager' ? (this.#isSoldOut ? 20 : 1) * EAGER_MS : random.skewed(thinkMs / 4, thinkMs * PACE[this.#mood]), () => {
      if (this.#isStopped) return
      this.#act()
      this.#later()
    })
  }

  #act(): void {
    const { random, items, users } = this.#options
    if (this.#mood === 'eager') return this.#buy()
    const code = this.#codes.length > 0 ? random.pick(this.#codes.slice(-6)) : undefined
    if (code !== undefined && random.chance(0.2)) {
      this.#purchase(code)
      // Tries of one code at the same time, on other connections and threads.
      if (random.chance(0.15)) this.#purchase(code)
      return
    }
    if (code !== undefined && random.chance(0.15)) {
      return this.#send({ kind: 'cancel', method: 'DELETE', url: `/reservations/${code}`, code })
    }
    if (code !== undefined && random.chance(0.08)) {
      return this.#send({ kind: 'read', method: 'GET', url: `/reservations/${code}`, code })
    }
    // Sometimes many at once, more than a queue may hold.
    for (let left = random.chance(0.03) ? 12 : 1; left > 0; left--) this.#reserve(random.integer(0, items - 1), random.pick(users))
  }

  #reserve(itemId: number, userId: string): void {
    this.#send({ kind: 'checkout', method: 'POST', url: `/checkout?user_id=${userId}&item_id=${itemId}`, userId, itemId })
  }

  /** One item after the other, each bought as soon as it is reserved. */
  #buy(): void {
    const { random, items, users } = this.#options
    const code = this.#codes.pop()
    if (code !== undefined) return this.#purchase(code)
    this.#reserve(this.#nextItem++ % items, random.pick(users))
  }

  #purchase(code: string): void {
    const before = this.#options.history.calls.findLast((call) => call.kind === 'purchase' && call.code === code)
    if (before?.outcome === 'open') this.#options.counters.add('purchase of a code that is being bought')
    if (before?.outcome === 503) this.#options.counters.add('purchase tried again after a 503')
    this.#send({ kind: 'purchase', method: 'POST', url: `/purchase?code=${code}`, code })
  }

  #send(wanted: Wanted): void {
    const { timeline, random, trace, counters, history, machines } = this.#options
    const machine = (this.#mood === 'eager' ? this.#options.readyMachine() : undefined) ?? random.pick(machines)
    const call = history.begin({
      kind: wanted.kind, machine, sentAtMs: timeline.nowMs, userId: wanted.userId ?? '', itemId: wanted.itemId ?? -1, code: wanted.code,
    })
    const settle = (outcome: HttpOutcome | { error: 'gone' }): void => {
      if (call.outcome !== 'open') return
      this.#settle(call, outcome)
      counters.add(`answer ${call.kind} ${call.outcome}${call.reason === undefined ? '' : ` ${call.reason}`}`)
      trace.add(this.#name, `${call.kind} ${call.code ?? `${call.userId}/${call.itemId}`}: ${call.outcome} ${call.reason ?? ''}`)
    }
    const connection = this.#connection(machine)
    if (connection === undefined) return settle({ error: 'refused' })
    connection.request({ method: wanted.method, url: wanted.url, headers: {} }, (outcome) => {
      call.isOfReplaced = connection.listener.thread.process.epoch < this.#options.epochNow()
      settle(outcome)
    })
    if (this.#mood !== 'eager' && random.chance(0.02)) {
      timeline.after(random.skewed(0.1, 20), () => {
        if (call.outcome !== 'open') return
        settle({ error: 'gone' })
        connection.close()
      })
    }
  }

  /** Kept open over requests, as clients do; the server may have closed it. */
  #connection(machine: string): HttpConnection | undefined {
    const { random, http } = this.#options
    const kept = this.#connections.get(machine)
    if (kept?.isOpen === true && kept.isIdle && random.chance(0.9)) return kept
    const opened = http.connect(machine, PORT)
    if (opened !== undefined) this.#connections.set(machine, opened)
    return opened
  }

  #settle(call: Call, outcome: HttpOutcome | { error: 'gone' }): void {
    call.answeredAtMs = this.#options.timeline.nowMs
    if ('error' in outcome) {
      call.outcome = outcome.error
      if (call.kind === 'purchase' && this.#mood === 'eager' && call.code !== undefined) this.#codes.push(call.code)
      return
    }
    call.outcome = outcome.status
    call.hasRetryAfter = outcome.headers['retry-after'] !== undefined
    if (outcome.body.startsWith('{')) {
      const { reason, state, itemId, userId } = JSON.parse(outcome.body) as { reason?: string, state?: string, itemId?: number, userId?: string }
      call.reason = reason ?? state
      if (itemId !== undefined && userId !== undefined) call.shown = { itemId, userId }
    }
    if (call.kind === 'checkout') this.#isSoldOut = call.reason === 'sold_out'
    if (call.kind === 'checkout' && outcome.status === 200) {
      call.code = outcome.body
      this.#codes.push(outcome.body)
    } else if (call.kind === 'purchase' && outcome.status === 200 && this.#wasUnknownBefore(call)) {
      this.#options.counters.add('purchase told 200 after a 503')
    } else if (call.kind === 'purchase' && this.#mood === 'eager' && outcome.status === 503 && call.code !== undefined) {
      this.#codes.push(call.code)
    } else if (call.kind === 'purchase' && outcome.status !== 503 && call.code !== undefined && this.#options.random.chance(0.8)) {
      this.#codes = this.#codes.filter((code) => code !== call.code)
    }
    if (this.#codes.length > 12) this.#codes.shift()
  }

  #wasUnknownBefore({ code }: Call): boolean {
    return this.#options.history.calls.some((call) => call.kind === 'purchase' && call.code === code && call.outcome === 503)
  }
}
