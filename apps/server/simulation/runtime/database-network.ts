import type { Backend, Reply, ServerFault } from '../postgres/backend.ts'
import type { SimulatedPostgres } from '../postgres/simulated-postgres.ts'
import type { SqlError } from '../postgres/sql-error.ts'
import type { Random } from '../world/random.ts'
import type { Owner, Timeline } from '../world/timeline.ts'
import type { SimulatedThread } from './simulated-thread.ts'

const LATENCY_MS_MIN = 0.05
const LATENCY_MS_MAX = 1.5
const BATCH = 'select megacache_record_'

/** tcp_keepalives_idle, and three times tcp_keepalives_interval. */
const KEEPALIVE_MS = 25_000

/**
 * What happens to one statement. `lost`: the connection breaks, before it arrives or before its answer does. `hang`:
 * nothing arrives any more, and nobody says so. `late`: the connection breaks, and the server goes on for a while before it commits.
 */
export type Fate =
  | { readonly kind: 'none' | 'lostBefore' | 'lostAfter' | 'hangBefore' | 'hangAfter' | 'errorThenLost' }
  | { readonly kind: 'late', readonly stuckMs: number }
  | { readonly kind: 'server', readonly fault: ServerFault }

export interface DatabaseFaults {
  fateOf(text: string, thread: SimulatedThread): Fate
  /** Whether a new connection comes about. */
  refusesConnection(): boolean
}

/** What the client's end of a connection hears, in the order in which it was sent. */
export interface LinkListener {
  connected(): void
  reply(reply: Reply): void
  ready(): void
  /** With the server's own words, if it could still say them. */
  gone(error: SqlError | undefined): void
}

/** The network between the instances and the database. */
export class DatabaseNetwork {
  readonly timeline: Timeline
  readonly random: Random
  readonly postgres: SimulatedPostgres
  readonly faults: DatabaseFaults
  /** What waits until a machine can be reached again, in order. */
  readonly #held = new Map<string, (() => void)[]>()

  constructor(timeline: Timeline, random: Random, postgres: SimulatedPostgres, faults: DatabaseFaults) {
    this.timeline = timeline
    this.random = random
    this.postgres = postgres
    this.faults = faults
  }

  /** Nothing passes between a machine and the database; what was sent arrives afterwards. Returns how to end it. */
  cut(machine: string): () => void {
    if (!this.#held.has(machine)) this.#held.set(machine, [])
    return () => {
      const held = this.#held.get(machine)
      this.#held.delete(machine)
      for (const arrive of held ?? []) this.timeline.after(0, arrive)
    }
  }

  /** Whether a packet has to wait; `arrive` brings it later. */
  holds(machine: string, arrive: () => void): boolean {
    return this.#held.get(machine)?.push(arrive) !== undefined
  }
}

/** One connection between a thread and a server process. */
export class DatabaseLink {
  readonly #network: DatabaseNetwork
  readonly #thread: SimulatedThread
  readonly #listener: LinkListener
  readonly #forget: () => void
  readonly #sentAtMs = { up: 0, down: 0 }
  #backend: Backend | undefined
  #isOpen = true
  /** Nothing passes any more, and nobody knows. */
  #isDeaf = false

  constructor(network: DatabaseNetwork, thread: SimulatedThread, listener: LinkListener) {
    this.#network = network
    this.#thread = thread
    this.#listener = listener
    this.#forget = thread.process.onDeath(() => this.close())
    this.#up(() => this.#connect())
  }

  /** Sends a statement. There must be none under way. */
  send(text: string, values: readonly unknown[]): void {
    if (!this.#thread.process.mayEffect()) return
    const fate = this.#network.faults.fateOf(text, this.#thread)
    if (fate.kind !== 'none') {
      const { trace, counters } = this.#thread.process.world
      trace.add(`${this.#thread.process.name}/${this.#thread.name}`, `statement ${fate.kind} ${text.trim().slice(0, 40)}`)
      counters.add(`statement ${fate.kind}`)
    }
    if (fate.kind === 'lostBefore') return this.#break()
    if (fate.kind === 'hangBefore') return this.#goDeaf()
    const isBatch = text.startsWith(BATCH)
    if (isBatch) this.#thread.process.world.witness.batchSent(this.#thread.process)
    if (fate.kind !== 'none' && text.includes('record_cancels')) this.#thread.process.world.counters.add('cancel in doubt')
    const fault: ServerFault = fate.kind === 'server' ? fate.fault : fate.kind === 'late' ? { stuckMs: fate.stuckMs } : {}
    this.#up(() => {
      const backend = this.#backend
      if (backend === undefined || backend.isEnded) return
      backend.run(text, values, fault, (reply) => this.#answer(reply, fate, isBatch)).catch((error: unknown) => {
        this.#network.postgres.onViolation(`the model of PostgreSQL: ${error instanceof Error ? error.stack : String(error)}`)
      })
      if (fate.kind === 'late') this.#break()
    })
  }

  /** The client lets go; the server learns of it when the packet arrives. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#forget()
    if (!this.#isDeaf && !this.#thread.process.isSilent) this.#up(() => this.#backend?.clientGone())
    else this.#goneSilent()
  }

  #connect(): void {
    const { postgres, faults } = this.#network
    if (!this.#isOpen) return
    if (postgres.state !== 'up' || faults.refusesConnection()) return this.#down(() => this.#listener.gone(undefined))
    const backend = postgres.open()
    this.#backend = backend
    backend.onGone = (error) => this.#down(() => {
      this.#isOpen = false
      this.#forget()
      this.#listener.gone(error)
    })
    this.#down(() => this.#listener.connected())
  }

  #answer(reply: Reply, { kind }: Fate, isBatch: boolean): void {
    if (kind === 'lostAfter') return this.#break()
    if (kind === 'hangAfter') return this.#goDeaf()
    const { process } = this.#thread
    if (process.isDead && reply.kind === 'rows' && isBatch) process.world.counters.add('crash between commit and answer')
    this.#down(() => this.#listener.reply(reply))
    // An error is told before the server is ready again, and the connection can break in between.
    if (kind === 'errorThenLost') this.#down(() => this.#break())
    else this.#down(() => this.#listener.ready())
  }

  /** Both ends learn that the connection is broken. */
  #break(): void {
    this.#up(() => this.#backend?.clientGone())
    this.#down(() => {
      if (!this.#isOpen) return
      this.#isOpen = false
      this.#forget()
      this.#listener.gone(undefined)
    })
  }

  #goDeaf(): void {
    this.#isDeaf = true
    this.#goneSilent()
  }

  /** The server learns of it only if it asks. */
  #goneSilent(): void {
    this.#network.timeline.after(KEEPALIVE_MS, () => { if (this.#backend?.hasKeepalive === true) this.#backend.clientGone() })
  }

  #up(task: () => void): void {
    this.#pass('up', task, undefined)
  }

  #down(task: () => void): void {
    this.#pass('down', () => { if (this.#isOpen) task() }, this.#thread)
  }

  #pass(way: 'up' | 'down', task: () => void, owner: Owner | undefined): void {
    if (this.#isDeaf) return
    const { timeline, random, postgres } = this.#network
    const atMs = Math.max(this.#sentAtMs[way], timeline.nowMs + random.skewed(LATENCY_MS_MIN, LATENCY_MS_MAX))
    this.#sentAtMs[way] = atMs
    const arrive = (): void => {
      if (this.#isDeaf) return
      if (this.#network.holds(this.#thread.process.machine.name, arrive)) return
      if (owner === undefined) postgres.accept(task)
      else owner.accept(task)
    }
    timeline.after(atMs - timeline.nowMs, arrive)
  }
}
