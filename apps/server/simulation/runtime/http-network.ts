import { EventEmitter } from 'node:events'
import type { Random } from '../world/random.ts'
import type { Timeline } from '../world/timeline.ts'
import type { SimulatedThread } from './simulated-thread.ts'

const LATENCY_MS_MIN = 0.05
const LATENCY_MS_MAX = 2

export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** `refused`: nobody listens. `reset`: the connection broke before there was an answer. */
export type HttpOutcome = HttpAnswer | { readonly error: 'refused' | 'reset' }

/** Somebody who listens on a port of a machine. */
export interface Listener {
  readonly thread: SimulatedThread
  readonly port: number
  connected(socket: EventEmitter): void
  serve(request: HttpRequest, socket: EventEmitter, answer: (answer: HttpAnswer, isLast: boolean) => void): void
}

/** HTTP between clients and server threads: messages that take time, connections that break. */
export class HttpNetwork {
  readonly #timeline: Timeline
  readonly #random: Random
  readonly #listeners: Listener[] = []

  constructor(timeline: Timeline, random: Random) {
    this.#timeline = timeline
    this.#random = random
  }

  listen(listener: Listener): void {
    this.#listeners.push(listener)
    listener.thread.process.onDeath(() => this.unlisten(listener))
  }

  unlisten(listener: Listener): void {
    const index = this.#listeners.indexOf(listener)
    if (index >= 0) this.#listeners.splice(index, 1)
  }

  isTaken(machine: string, port: number): boolean {
    return this.#on(machine, port).length > 0
  }

  /** A connection to one of those who listen there, as the kernel would choose. */
  connect(machine: string, port: number): HttpConnection | undefined {
    const listeners = this.#on(machine, port)
    if (listeners.length === 0) return undefined
    return new HttpConnection(this.#random.pick(listeners), this.#timeline, this.#random)
  }

  #on(machine: string, port: number): Listener[] {
    return this.#listeners.filter(({ thread, port: own }) => own === port && thread.process.machine.name === machine)
  }
}

/** One connection, as its client holds it. */
export class HttpConnection {
  readonly listener: Listener
  /** The server's end. */
  readonly socket = new EventEmitter()
  readonly #timeline: Timeline
  readonly #random: Random
  readonly #waiting = new Set<(outcome: HttpOutcome) => void>()
  readonly #forget: () => void
  #isOpen = true

  constructor(listener: Listener, timeline: Timeline, random: Random) {
    this.listener = listener
    this.#timeline = timeline
    this.#random = random
    this.#forget = listener.thread.process.onDeath(() => this.#breakAfter(this.#latency()))
    Object.assign(this.socket, { destroyed: false, connection: this })
    timeline.after(0, () => listener.connected(this.socket), listener.thread)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0
  }

  /** `onOutcome` is called once, later; it is nobody's event: a client is not simulated code. */
  request(request: HttpRequest, onOutcome: (outcome: HttpOutcome) => void): void {
    if (!this.#isOpen) {
      this.#timeline.after(this.#latency(), () => onOutcome({ error: 'reset' }))
      return
    }
    const settle = (outcome: HttpOutcome): void => {
      if (this.#waiting.delete(settle)) onOutcome(outcome)
    }
    this.#waiting.add(settle)
    const { listener, socket } = this
    this.#timeline.after(this.#latency(), () => listener.serve(request, socket, (answer, isLast) => {
      if (!listener.thread.process.mayEffect()) return
      this.#timeline.after(this.#latency(), () => {
        settle(answer)
        if (isLast) this.close()
      })
    }), listener.thread)
  }

  /** Closed by either side: whoever still waits will hear nothing any more. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#forget()
    Object.assign(this.socket, { destroyed: true })
    this.#timeline.after(this.#latency(), () => { this.socket.emit('close') }, this.listener.thread)
    for (const settle of this.#waiting) settle({ error: 'reset' })
  }

  #breakAfter(delayMs: number): void {
    this.#timeline.after(delayMs, () => this.close())
  }

  #latency(): number {
    return this.#random.skewed(LATENCY_MS_MIN, LATENCY_MS_MAX)
  }
}
