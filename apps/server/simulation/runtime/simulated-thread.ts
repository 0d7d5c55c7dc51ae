import { EventEmitter } from 'node:events'
import type { Owner, Scheduled } from '../world/timeline.ts'
import { threadGlobals } from './globals.ts'
import { nodeModules } from './node-modules.ts'
import type { SimulatedProcess } from './simulated-process.ts'

/** How long a message between threads takes. */
const MESSAGE_MS_MAX = 0.3

let running: SimulatedThread | undefined

/** Whose code runs now: an unhandled rejection is that thread's. */
export function runningThread(): SimulatedThread | undefined {
  return running
}

function enter(thread: SimulatedThread): void {
  running = thread
}

/** One thread of a process: an event loop, globals and module state of its own. */
export class SimulatedThread implements Owner {
  readonly process: SimulatedProcess
  readonly name: string
  readonly workerData: unknown
  /** What a `Worker` object and its `parentPort` hear. */
  readonly outside = new EventEmitter()
  readonly inside = new EventEmitter()
  /** Of the process, on the main thread. */
  readonly processEvents = new EventEmitter()
  #isDead = false
  #stalledUntilMs = 0
  /** Messages keep their order. */
  #lastMessageAtMs = { out: 0, in: 0 }

  constructor(process: SimulatedProcess, name: string, workerData: unknown) {
    this.process = process
    this.name = name
    this.workerData = workerData
  }

  get isDead(): boolean {
    return this.#isDead || this.process.isDead
  }

  evaluate(file: string): void {
    const { modules } = this.process.world
    const external = nodeModules(this)
    modules.evaluate(file, threadGlobals(this), external).catch((error: unknown) => {
      this.process.failed(this, error)
    })
  }

  accept(task: () => void): void {
    if (this.isDead) return
    if (this.process.holds(() => this.after(0, task))) return
    const { nowMs } = this.process.world.timeline
    if (nowMs < this.#stalledUntilMs) return void this.after(this.#stalledUntilMs - nowMs, task)
    enter(this)
    try {
      task()
    } catch (error) {
      this.process.failed(this, error)
    }
  }

  after(delayMs: number, task: () => void): Scheduled {
    return this.process.world.timeline.after(delayMs, task, this)
  }

  /** Its event loop stands still: a long collection, or a machine with too much to do. */
  stall(ms: number): void {
    // Cut short by a second stall, it would let what comes next overtake what has waited.
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, this.process.world.timeline.nowMs + ms)
  }

  die(): void {
    this.#isDead = true
  }

  /** From the main thread to this one. */
  tell(message: unknown): void {
    this.process.observe(message)
    this.#send('in', message, this, this.inside)
  }

  /** From this one to the main thread. */
  report(message: unknown): void {
    if (this.process.mayEffect()) this.#send('out', message, this.process.main, this.outside)
  }

  /** Main thread: this one has ended by a failure. */
  reportEnd(error: unknown): void {
    this.outside.emit('error', error)
    this.outside.emit('exit', 1)
  }

  emitProcessEvent(name: string, ...values: unknown[]): void {
    const isHeard = this.processEvents.emit(name, ...values)
    if (!isHeard) this.process.exit(name === 'uncaughtException' ? 1 : 128)
  }

  #send(way: 'in' | 'out', message: unknown, to: SimulatedThread, emitter: EventEmitter): void {
    const { timeline } = this.process.world
    const copy = structuredClone(message)
    const atMs = Math.max(this.#lastMessageAtMs[way], timeline.nowMs + this.process.random.skewed(0.01, MESSAGE_MS_MAX))
    this.#lastMessageAtMs[way] = atMs
    timeline.after(atMs - timeline.nowMs, () => { emitter.emit('message', copy) }, to)
  }
}
