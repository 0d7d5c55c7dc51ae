import type { Order } from '../../src/thread-messages.ts'
import type { Counters } from '../world/counters.ts'
import type { Machine } from '../world/machine.ts'
import type { Random } from '../world/random.ts'
import type { Timeline } from '../world/timeline.ts'
import type { Trace } from '../world/trace.ts'
import type { Witness } from '../check/witness.ts'
import type { HttpNetwork } from './http-network.ts'
import type { DatabaseNetwork } from './pg-client.ts'
import { SimulatedThread } from './simulated-thread.ts'
import type { SourceModules } from './source-modules.ts'

/** What all processes of a world share. */
export interface World {
  readonly timeline: Timeline
  readonly random: Random
  readonly trace: Trace
  readonly counters: Counters
  readonly modules: SourceModules
  readonly http: HttpNetwork
  readonly database: DatabaseNetwork
  /** Hears all that the processes log. */
  readonly watch: LogListener
  /** Hears all that they answer. */
  readonly witness: Witness
}

export interface LogListener {
  logged(process: SimulatedProcess, message: string, fields: unknown): void
}

export interface ProcessOptions {
  readonly world: World
  readonly machine: Machine
  readonly name: string
  readonly env: Readonly<Record<string, string>>
  readonly argv: readonly string[]
  readonly onExit: (status: number | 'killed', words: string) => void
}

const MAIN = 'apps/server/src/main.ts'
/** A thread that has failed is heard of by the main thread within this time. */
const FAILURE_HEARD_MS = 5

/** One server process: the shipped `main.ts` on a simulated system. It lives, pauses and dies as a process does. */
export class SimulatedProcess {
  readonly world: World
  readonly machine: Machine
  readonly name: string
  readonly env: Readonly<Record<string, string>>
  readonly argv: readonly string[]
  readonly random: Random
  readonly main: SimulatedThread
  readonly threads: SimulatedThread[] = []
  /** The memory of the sales that its threads were given, by sale id. */
  readonly sales = new Map<number, unknown>()
  /** The same until the sale is given up, also while it leaves. */
  readonly handles = new Map<number, unknown>()
  /** Of its lease; 0 before it has one. */
  epoch = 0
  /** The last thing it said before it ended. */
  lastWords = ''
  /** When its threads were told that the successor answers from now on. */
  leavingSinceMs = Infinity
  /** It has said that its successor may begin. */
  hasLetGo = false
  readonly #onExit: ProcessOptions['onExit']
  readonly #onDeath = new Set<() => void>()
  #isDead = false
  #isPaused = false
  #isAwaitingWake = false
  #isSilent = false
  #backlog: (() => void)[] = []
  #effectsLeft = Infinity

  constructor({ world, machine, name, env, argv, onExit }: ProcessOptions) {
    this.world = world
    this.machine = machine
    this.name = name
    this.env = env
    this.argv = argv
    this.#onExit = onExit
    this.random = world.random.stream(`process ${name}`)
    this.main = new SimulatedThread(this, 'main', undefined)
    this.threads.push(this.main)
    world.trace.add(name, `starts ${argv.join(' ')}`)
    world.timeline.after(0, () => this.main.evaluate(MAIN), this.main)
  }

  get isDead(): boolean {
    return this.#isDead
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Ends with a status of its own choice. */
  exit(status: number): void {
    this.#end(status)
  }

  /** kill -9. */
  kill(): void {
    this.#end('killed')
  }

  /** Ends without a packet to anybody: the database goes on believing in its connections. */
  losePower(): void {
    this.#isSilent = true
    this.#end('killed')
  }

  /** Whether its connections end without a word. */
  get isSilent(): boolean {
    return this.#isSilent
  }

  /** What it answers may be its successor's word. */
  get isLeaving(): boolean {
    return this.leavingSinceMs < Infinity
  }

  /** It has given sales to its threads. */
  get isServing(): boolean {
    return this.sales.size > 0
  }

  /** Dies right after this many more messages have left it: between any two, not only between events. */
  killAfterEffects(count: number): void {
    this.#effectsLeft = count
  }

  /** SIGSTOP: what comes meanwhile waits. */
  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#goOn()
  }

  signal(name: 'SIGTERM' | 'SIGINT'): void {
    this.world.timeline.after(0, () => this.main.emitProcessEvent(name), this.main)
  }

  /** Before a message leaves the process: whether it does. */
  mayEffect(): boolean {
    if (this.#isDead) return false
    if (this.#effectsLeft-- > 0) return true
    this.world.counters.add('process killed between two messages')
    this.kill()
    return false
  }

  /** Runs the task when the process dies. Returns how to forget it. */
  onDeath(task: () => void): () => void {
    this.#onDeath.add(task)
    return () => this.#onDeath.delete(task)
  }

  /** A task that comes while nothing runs here; `redo` brings it again, in its turn. True: it has to wait. */
  holds(redo: () => void): boolean {
    const { machine } = this
    if (!machine.isSuspended && !this.#isPaused) return false
    if (machine.isSuspended && !this.#isAwaitingWake) {
      this.#isAwaitingWake = true
      machine.onWake(() => {
        this.#isAwaitingWake = false
        this.#goOn()
      })
    }
    this.#backlog.push(redo)
    return true
  }

  #goOn(): void {
    if (this.machine.isSuspended || this.#isPaused) return
    for (const redo of this.#backlog.splice(0)) redo()
  }

  spawn(name: string, workerData: unknown): SimulatedThread {
    const thread = new SimulatedThread(this, name, workerData)
    this.threads.push(thread)
    return thread
  }

  /** A thread has thrown what nobody caught. */
  failed(thread: SimulatedThread, error: unknown): void {
    if (this.#isDead || thread.isDead) return
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.world.trace.add(`${this.name}/${thread.name}`, `throws ${error instanceof Error ? error.message : String(error)}`)
    this.lastWords = text
    if (thread === this.main) return this.main.emitProcessEvent('uncaughtException', error)
    thread.die()
    this.world.timeline.after(this.random.between(0, FAILURE_HEARD_MS), () => thread.reportEnd(error), this.main)
  }

  /** An order from the main thread to another one, as the checks see it. */
  observe(order: unknown): void {
    if (!isOrder(order)) return
    if (order.kind === 'activate') this.epoch = order.activation.epoch
    if (order.kind === 'activate') for (const { terms, handle } of order.activation.sales) this.#knows(terms.saleId, handle)
    else if (order.kind === 'sale') this.#knows(order.sale.terms.saleId, order.sale.handle)
    else if (order.kind === 'drop') {
      this.sales.delete(order.saleId)
      this.handles.delete(order.saleId)
    } else if (order.kind === 'handOver' || order.kind === 'drain') this.sales.clear()
    if (order.kind === 'handOver') this.leavingSinceMs = Math.min(this.leavingSinceMs, this.world.timeline.nowMs)
  }

  #knows(saleId: number, handle: unknown): void {
    this.sales.set(saleId, handle)
    this.handles.set(saleId, handle)
  }

  #end(status: number | 'killed'): void {
    if (this.#isDead) return
    if (status === 0) this.world.witness.isOver(this, 'ended with status 0')
    this.world.witness.died(this)
    this.#isDead = true
    this.sales.clear()
    for (const thread of this.threads) thread.die()
    this.#backlog = []
    this.world.trace.add(this.name, `ends: ${status}`)
    for (const task of this.#onDeath) task()
    this.#onDeath.clear()
    this.#onExit(status, this.lastWords)
  }
}

function isOrder(message: unknown): message is Order {
  return typeof message === 'object' && message !== null && 'kind' in message
}
