import { connect, type Socket } from 'node:net'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { AnswerReader, type WireAnswer } from './answer-reader.ts'
import type { ConnectionPlan } from './draw-connection.ts'

/** Longer than any answer may take, the limits for slow requests included. */
const CONNECTION_MS_MAX = 20_000

/** What came over a connection. */
export interface Talk {
  readonly answers: readonly WireAnswer[]
  /** What came and is no whole answer. */
  readonly rest: string
  /** What is wrong with it as HTTP. */
  readonly malformed: string | undefined
  /** How the connection broke, if it did. */
  readonly errorCode: string | undefined
  readonly isTimedOut: boolean
  /** How long the sending took: a busy machine may make it slower than a request may be. */
  readonly sendMs: number
}

/** Does what the plan says to a port. `methods`: those of the answers that are expected, in their order. */
export async function talk(port: number, plan: ConnectionPlan, methods: readonly string[]): Promise<Talk> {
  const conversation = new Conversation(connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true }), plan, methods)
  return conversation.run()
}

class Conversation {
  readonly #socket: Socket
  readonly #plan: ConnectionPlan
  readonly #methods: readonly string[]
  readonly #reader = new AnswerReader()
  readonly #answers: WireAnswer[] = []
  readonly #closed: Promise<void>
  #malformed: string | undefined
  #errorCode: string | undefined
  #isTimedOut = false
  #sendMs = 0

  constructor(socket: Socket, plan: ConnectionPlan, methods: readonly string[]) {
    this.#socket = socket
    this.#plan = plan
    this.#methods = methods
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => this.#receive(text))
    socket.on('end', () => {
      this.#take(true)
      socket.end()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => { this.#errorCode = error.code ?? 'unknown' })
    this.#closed = new Promise((resolve) => { socket.once('close', () => resolve()) })
  }

  async run(): Promise<Talk> {
    const timer = setTimeout(() => {
      this.#isTimedOut = true
      this.#socket.destroy()
    }, CONNECTION_MS_MAX)
    const startedMs = performance.now()
    await this.#send()
    this.#sendMs = performance.now() - startedMs
    await this.#closed
    clearTimeout(timer)
    return {
      answers: this.#answers, rest: this.#reader.rest, malformed: this.#malformed, errorCode: this.#errorCode, isTimedOut: this.#isTimedOut,
      sendMs: this.#sendMs,
    }
  }

  async #send(): Promise<void> {
    const { pieces, end } = this.#plan
    for (const { text, pause } of pieces) {
      if (pause === 'turn') await turn()
      else if (pause !== 'none') await sleep(pause)
      if (this.#socket.destroyed) return
      this.#socket.write(text, 'latin1')
    }
    if (end === 'finish') this.#socket.end()
    if (end !== 'reset') return this.#stopWhenComplete()
    await turn()
    this.#socket.resetAndDestroy()
  }

  #receive(text: string): void {
    this.#reader.push(text)
    this.#take(false)
    this.#stopWhenComplete()
  }

  /** A client that keeps its side open goes when it has everything. */
  #stopWhenComplete(): void {
    if (this.#plan.end === 'wait' && this.#answers.length >= this.#methods.length) this.#socket.end()
  }

  #take(isEnded: boolean): void {
    try {
      for (;;) {
        if (this.#malformed !== undefined) return
        const answer = this.#reader.take(this.#methods[this.#answers.length] === 'HEAD', isEnded)
        if (answer === undefined) return
        this.#answers.push(answer)
      }
    } catch (error) {
      this.#malformed = error instanceof Error ? error.message : String(error)
    }
  }
}
