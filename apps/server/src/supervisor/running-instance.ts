import type { Lease } from '@megacache/persistence'
import type { SaleClock } from '@megacache/sale-clock'
import type { Server } from 'node:http'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import type { InstanceState } from '../instance-board.ts'
import type { RareQueries } from '../rare-queries.ts'
import { openAdminServer } from './admin-server.ts'
import { successorHost } from './hand-over.ts'
import type { Metrics } from './metrics.ts'
import { ListenError, type RequestThreads } from './request-threads.ts'
import type { SaleBook } from './sale-book.ts'

/** How long a draining instance waits for clients to go; spec section 6. */
const DRAIN_GRACE_MS = 5_000
/** How long a process that wants to take over has from its claim to its hand-over before another may claim. */
const SUCCESSION_MS = 5_000
const ADMIN_RETRY_MS = 100
/** As long as a predecessor may take to end (SHUTDOWN_TIMEOUT): who serves already must not end for its admin port. */
const ADMIN_RETRIES_MAX = 6_000

interface Parts {
  readonly instance: { enter(state: InstanceState): void }
  readonly config: Config
  readonly log: Logger
  readonly lease: Lease
  readonly queries: RareQueries
  readonly threads: RequestThreads
  readonly clock: SaleClock
  readonly book: SaleBook
  readonly port: number
  readonly timers: readonly NodeJS.Timeout[]
}

/** An instance that serves, until it drains or hands over. */
export class RunningInstance {
  readonly #parts: Parts
  readonly #handedOver = Promise.withResolvers<void>()
  #admin: Server | undefined
  #isLeaving = false
  #claimedUntilMs = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get port(): number {
    return this.#parts.port
  }

  get adminPort(): number {
    const address = this.#admin?.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Resolves when a successor has taken over and the last client has moved on: the process can end. */
  get handedOver(): Promise<void> {
    return this.#handedOver.promise
  }

  /** Opens the admin port; after a hand-over the predecessor may still have it for a moment. */
  async openAdmin(metrics: Metrics, isAwaited: boolean): Promise<void> {
    const { adminHost: host, adminPort: port, adminToken: token } = this.#parts.config
    for (let attempt = 0; ; attempt++) {
      try {
        this.#admin = await openAdminServer({ host, port, token, metrics, claimSuccession: () => this.#claimSuccession(), handOver: () => this.#handOver() })
        return
      } catch (error) {
        const isTaken = error instanceof ListenError && error.code === 'EADDRINUSE'
        if (!isAwaited || !isTaken || attempt === ADMIN_RETRIES_MAX) throw error
        await new Promise((resolve) => { setTimeout(resolve, ADMIN_RETRY_MS) })
      }
    }
  }

  /** Orderly shutdown, spec section 6: nothing that was accepted stays without an answer. */
  async drain(): Promise<void> {
    const { config, threads } = this.#parts
    if (this.#isLeaving) return this.#handedOver.promise
    this.#isLeaving = true
    await this.#stopDuties()
    const graceMs = Math.min(DRAIN_GRACE_MS, config.shutdownTimeoutMs / 2)
    await threads.drain(graceMs, config.shutdownTimeoutMs)
    await this.#letGo()
    this.#closeAdmin()
  }

  /**
   * Whether the caller may succeed this instance. Of two that want to at once one must not even open the port: what it had
   * parked would end with it.
   */
  #claimSuccession(): boolean {
    const now = performance.now()
    if (this.#isLeaving || now < this.#claimedUntilMs) return false
    this.#claimedUntilMs = now + SUCCESSION_MS
    return true
  }

  /**
   * Gives the lease to the successor that listens on the same port already. Resolves when it is free; the clients
   * that are still connected here are served by passing their requests on. When it fails, `handedOver` rejects as well:
   * this instance has stopped serving and must not stay.
   */
  async #handOver(): Promise<void> {
    const { config, log, threads, port } = this.#parts
    if (this.#isLeaving) throw new Error('this instance is leaving already')
    this.#isLeaving = true
    log.info('handing over')
    try {
      await this.#stopDuties()
      await threads.handOver(successorHost(config.host), port, config.shutdownTimeoutMs)
      await this.#letGo()
    } catch (error) {
      this.#handedOver.reject(error)
      throw error
    }
    log.info('handed over, passing on what still comes')
    this.#leave().catch((error: unknown) => this.#handedOver.reject(error))
  }

  async #leave(): Promise<void> {
    // The answer to the successor first.
    setImmediate(() => this.#closeAdmin())
    await this.#parts.threads.leave(DRAIN_GRACE_MS)
    this.#handedOver.resolve()
  }

  async #stopDuties(): Promise<void> {
    const { instance, clock, timers } = this.#parts
    instance.enter('draining')
    await clock.stop()
    for (const timer of timers) clearInterval(timer)
  }

  async #letGo(): Promise<void> {
    const { book, lease, queries, log } = this.#parts
    await book.recordAttempts().catch((error: unknown) => log.warn({ err: error }, 'the last attempts are not counted'))
    await lease.release()
    await queries.close()
  }

  #closeAdmin(): void {
    this.#admin?.close()
    this.#admin?.closeIdleConnections()
  }
}
