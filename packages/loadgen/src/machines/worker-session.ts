import type { Socket } from 'node:net'
import { environmentOf } from '../environment.ts'
import { GENERATOR_VERSION } from '../generator-version.ts'
import { systemClock } from '../load-clock.ts'
import { type LoadShard, shardInThread } from '../threads/load-shard.ts'
import { sendError } from '../threads/sent-error.ts'
import {
  type FromWorker,
  isProof,
  JsonLines,
  PEER_LINE_MAX,
  SILENCE_MAX_MS,
  type ToWorker,
} from './worker-protocol.ts'

/** Longest wait for the proof, in milliseconds. */
const HELLO_MAX_MS = 5_000
const ALIVE_PERIOD_MS = 1_000

/** What a session needs. */
export interface SessionPorts {
  readonly token: string
  readonly nonce: string
  /** Whether another session's run is under way. */
  readonly isBusy: () => boolean
  readonly onEvent: (sentence: string) => void
}

/** One connection of a machine that wants load made here. */
export class WorkerSession {
  /** Resolves when nothing of it is left. */
  readonly closed: Promise<void>
  isRunning = false
  private readonly socket: Socket
  private readonly ports: SessionPorts
  private readonly lines: JsonLines<ToWorker, FromWorker>
  private readonly stop = new AbortController()
  private readonly over = Promise.withResolvers<void>()
  private readonly peer: string
  private aliveTimer: NodeJS.Timeout | undefined
  private isProved = false
  private shards: LoadShard[] = []
  private run: Promise<void> = Promise.resolve()
  private measuredFromCpuMs: number | undefined

  constructor(socket: Socket, ports: SessionPorts) {
    this.socket = socket
    this.ports = ports
    this.peer = `${socket.remoteAddress}:${socket.remotePort}`
    this.closed = this.over.promise
    this.lines = new JsonLines(
      socket,
      (message) => this.received(message),
      (why) => ports.onEvent(`${this.peer}: ${why}`),
    )
    socket.setTimeout(HELLO_MAX_MS, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => void this.end())
    const { nonce } = ports
    this.lines.send({ say: 'challenge', version: GENERATOR_VERSION, nonce })
  }

  async close(): Promise<void> {
    this.socket.destroy()
    await this.closed
  }

  /** A gatherer that is gone needs no load. */
  private async end(): Promise<void> {
    clearInterval(this.aliveTimer)
    this.stop.abort()
    await this.run
    await Promise.allSettled(this.shards.map((shard) => shard.discard()))
    this.isRunning = false
    if (this.isProved) this.ports.onEvent(`${this.peer} has left`)
    this.over.resolve()
  }

  private received(message: ToWorker): void {
    if (!this.isProved) return this.judge(message)
    if (message.say === 'prepare') this.prepare(message)
    else if (message.say === 'go') this.run = this.runAll()
    else if (message.say === 'stop') this.stop.abort()
  }

  private judge(message: ToWorker): void {
    const { token, nonce, isBusy, onEvent } = this.ports
    const refusal =
      message.say !== 'hello' || !isProof(message.proof, token, nonce)
        ? 'the token is wrong'
        : message.version !== GENERATOR_VERSION
          ? `it is version ${GENERATOR_VERSION}, not ${message.version}`
          : isBusy()
            ? 'it is busy with another run'
            : undefined
    if (refusal !== undefined) {
      onEvent(`${this.peer} refused: ${refusal}`)
      this.lines.send({ say: 'refused', sentence: refusal })
      this.socket.end()
      return
    }
    this.isProved = true
    this.isRunning = true
    this.lines.lineMax = PEER_LINE_MAX
    this.socket.setTimeout(SILENCE_MAX_MS)
    this.aliveTimer = setInterval(() => this.lines.send({ say: 'alive' }), ALIVE_PERIOD_MS)
    this.lines.send({ say: 'welcome', environment: environmentOf('local'), unixMs: Date.now() })
    onEvent(`${this.peer} has come`)
  }

  private prepare(message: ToWorker & { say: 'prepare' }): void {
    const { plan, threads, firstShard, shardCount, aheadMs } = message
    const hrtimeMs = Number(process.hrtime.bigint()) / 1e6
    const moment = { unixMs: Date.now() - aheadMs, hrtimeMs }
    this.ports.onEvent(`${this.peer} runs ${plan.source.kind} against ${plan.url}`)
    this.shards = Array.from({ length: threads }, (_, thread) => {
      const shard = { index: firstShard + thread, count: shardCount }
      const made = shardInThread({ plan, shard, moment }, this.stop.signal, (snapshot) => {
        if (snapshot.atMs + snapshot.lengthMs > -500) {
          this.measuredFromCpuMs ??= systemClock.cpuMs()
        }
        this.lines.send({ say: 'snapshot', thread, snapshot })
      })
      made.ready.then(
        (steps) => this.lines.send({ say: 'ready', thread, steps }),
        (error: unknown) => this.lines.send({ say: 'failed', thread, error: sendError(error) }),
      )
      return made
    })
  }

  private async runAll(): Promise<void> {
    const { shards } = this
    const startCpuMs = systemClock.cpuMs()
    const ends = await Promise.allSettled(shards.map((shard) => shard.run()))
    const cpuMs = systemClock.cpuMs() - (this.measuredFromCpuMs ?? startCpuMs)
    this.lines.send({ say: 'cpu', cpuMs })
    for (const [thread, end] of ends.entries()) {
      if (end.status === 'fulfilled') this.lines.send({ say: 'ended', thread, end: end.value })
      else this.lines.send({ say: 'failed', thread, error: sendError(end.reason) })
    }
    this.shards = []
  }
}
