import { connect, type Socket } from 'node:net'
import type { Snapshot, ThreadEnd } from '../engine/snapshot.ts'
import { GENERATOR_VERSION } from '../generator-version.ts'
import { LoadgenError } from '../loadgen-error.ts'
import type { RunPlan } from '../run-plan.ts'
import type { RunEnvironment } from '../run-result.ts'
import type { LoadShard } from '../threads/load-shard.ts'
import { receiveError } from '../threads/sent-error.ts'
import type { WorkerAddress } from './worker-address.ts'
import {
  type FromWorker,
  JsonLines,
  PEER_LINE_MAX,
  proofOf,
  SILENCE_MAX_MS,
  type ToWorker,
} from './worker-protocol.ts'

/** Longest wait for a worker's welcome, in milliseconds. */
const WELCOME_MAX_MS = 10_000
const ALIVE_PERIOD_MS = 1_000

/** What a worker is to do. */
export interface RemoteCommission {
  readonly plan: RunPlan
  readonly firstShard: number
  readonly threads: number
  readonly shardCount: number
  readonly onSnapshot: (threadIndex: number, snapshot: Snapshot) => void
  readonly onCpu: (cpuMs: number) => void
  /** The worker is gone; its part is missing from here on. */
  readonly onLost: (sentence: string) => void
}

/** One thread of a worker, from here. */
class RemoteShard {
  readonly ready = Promise.withResolvers<readonly string[]>()
  readonly ended = Promise.withResolvers<ThreadEnd>()
  hasEnded = false

  constructor() {
    // Whoever waits for one of them learns of it; nobody may be waiting for the other.
    this.ready.promise.catch(() => {})
    this.ended.promise.catch(() => {})
  }
}

/**
 * Connects to a worker and proves that both know the token.
 *
 * @throws LoadgenError `LOADGEN_WORKER_UNREACHABLE` or `LOADGEN_WORKER_REFUSED`
 */
export async function connectWorker(
  address: WorkerAddress,
  signal: AbortSignal,
): Promise<RemoteWorker> {
  const worker = new RemoteWorker(address, signal)
  await worker.welcome()
  return worker
}

/** A worker on another machine. */
export class RemoteWorker {
  /** `host:port`. */
  readonly name: string
  environment!: RunEnvironment
  private readonly address: WorkerAddress
  private readonly signal: AbortSignal
  private readonly socket: Socket
  private readonly lines: JsonLines<FromWorker, ToWorker>
  private readonly welcomed = Promise.withResolvers<void>()
  private shards: readonly RemoteShard[] = []
  private commission: RemoteCommission | undefined
  private helloAtMs = 0
  private aheadMs = 0
  private aliveTimer: NodeJS.Timeout | undefined
  private hasBegun = false
  private isLost = false

  constructor(address: WorkerAddress, signal: AbortSignal) {
    this.address = address
    this.name = `${address.host}:${address.port}`
    this.signal = signal
    this.socket = connect({ host: address.host, port: address.port })
    this.socket.setTimeout(WELCOME_MAX_MS, () => this.lost('it said nothing for too long'))
    this.socket.on('error', (error) => this.lost(error.message))
    this.socket.on('close', () => this.lost('it closed the connection'))
    this.lines = new JsonLines(
      this.socket,
      (message) => this.received(message),
      (why) => this.lost(why),
    )
    this.lines.lineMax = PEER_LINE_MAX
    signal.addEventListener('abort', this.stop)
  }

  welcome(): Promise<void> {
    return this.welcomed.promise
  }

  /** Has the worker prepare its threads. */
  openShards(commission: RemoteCommission): LoadShard[] {
    this.commission = commission
    const { plan, threads, firstShard, shardCount } = commission
    this.shards = Array.from({ length: threads }, () => new RemoteShard())
    const { aheadMs } = this
    this.lines.send({ say: 'prepare', plan, threads, firstShard, shardCount, aheadMs })
    return this.shards.map((shard) => ({
      ready: shard.ready.promise,
      run: () => {
        this.begin()
        return shard.ended.promise
      },
      discard: () => this.close(),
    }))
  }

  /** Ends the connection, and with it whatever the worker is doing for it. */
  async close(): Promise<void> {
    clearInterval(this.aliveTimer)
    this.signal.removeEventListener('abort', this.stop)
    this.isLost = true
    if (this.socket.closed) return
    const gone = new Promise<void>((done) => this.socket.once('close', () => done()))
    this.socket.destroy()
    await gone
  }

  private readonly stop = (): void => this.lines.send({ say: 'stop' })

  private begin(): void {
    if (this.hasBegun) return
    this.hasBegun = true
    this.lines.send({ say: 'go' })
    if (this.signal.aborted) this.stop()
  }

  private received(message: FromWorker): void {
    switch (message.say) {
      case 'challenge':
        this.helloAtMs = Date.now()
        this.lines.send({
          say: 'hello',
          version: GENERATOR_VERSION,
          proof: proofOf(this.address.token, message.nonce),
        })
        return
      case 'welcome':
        return this.isWelcome(message)
      case 'refused':
        this.isLost = true
        this.welcomed.reject(
          new LoadgenError('LOADGEN_WORKER_REFUSED', `${this.name} refused: ${message.sentence}`),
        )
        this.socket.destroy()
        return
      case 'ready':
        this.shards[message.thread]?.ready.resolve(message.steps)
        return
      case 'snapshot':
        this.commission?.onSnapshot(message.thread, message.snapshot)
        return
      case 'cpu':
        this.commission?.onCpu(message.cpuMs)
        return
      case 'ended':
        this.threadEnded(message.thread, message.end)
        return
      case 'failed':
        this.threadFailed(message.thread, receiveError(message.error))
        return
      default:
    }
  }

  private isWelcome(message: FromWorker & { say: 'welcome' }): void {
    // Its answer was made about half-way between the two readings of our clock.
    this.aheadMs = message.unixMs - (this.helloAtMs + Date.now()) / 2
    this.environment = { ...message.environment, machine: this.name }
    this.socket.setTimeout(SILENCE_MAX_MS)
    this.aliveTimer = setInterval(() => this.lines.send({ say: 'alive' }), ALIVE_PERIOD_MS)
    this.welcomed.resolve()
  }

  private threadEnded(thread: number, end: ThreadEnd): void {
    const shard = this.shards[thread]
    if (shard === undefined) return
    shard.hasEnded = true
    shard.ended.resolve(end)
  }

  private threadFailed(thread: number, error: Error): void {
    this.shards[thread]?.ready.reject(error)
    this.shards[thread]?.ended.reject(error)
  }

  private lost(why: string): void {
    if (this.isLost) return
    this.isLost = true
    clearInterval(this.aliveTimer)
    this.signal.removeEventListener('abort', this.stop)
    this.socket.destroy()
    const sentence = `worker ${this.name} was lost: ${why}`
    const error = new LoadgenError('LOADGEN_WORKER_UNREACHABLE', sentence)
    this.welcomed.reject(error)
    for (const shard of this.shards) shard.ready.reject(error)
    if (!this.hasBegun || this.shards.every(({ hasEnded }) => hasEnded)) return
    this.commission?.onLost(`${sentence}; what it would have measured from then on is missing`)
    // The others go on; what this one has sent so far counts.
    for (const shard of this.shards) {
      shard.ended.resolve({ ended: 'completed', startedAtMs: Date.now(), elapsedMs: 0 })
    }
  }
}
