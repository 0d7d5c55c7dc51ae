import { isWaitingForLease, type Lease } from '@megacache/persistence'
import type { SaleClock } from '@megacache/sale-clock'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import type { InstanceState } from '../instance-board.ts'
import type { RareQueries } from '../rare-queries.ts'
import type { AdminAnswer, AdminServer, Leaving } from './admin-server.ts'
import type { RequestThreads } from './request-threads.ts'
import type { SaleBook } from './sale-book.ts'
import { findsStandby, localUrl, stateBehind, successorHost } from './standby-listener.ts'
import { Succession } from './succession.ts'

/** How long a draining instance waits for clients to go; spec section 6. */
const DRAIN_GRACE_MS = 5_000

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

/**
 * An instance that serves, until it leaves in one of three ways: it drains (a signal), hands over (a successor's order), or
 * stops (fail-stop.ts).
 *
 * ```text
 *   serving --SIGTERM--> draining: not listening --idle, or grace over--> flushing --lease released--> gone, 0
 *      |                     \--second signal, SHUTDOWN_TIMEOUT--> gone, 1
 *      |
 *      |--order: token wrong, used or too old; no such session in the database; no standby on the port--> serving, 403 or 409
 *      |--order--> ordered: not listening --nobody answers on the port: listens again--> serving, 409
 *      |              \--the successor answers--> handing over: flushing --lease released--> passing on --> gone, 0
 *      |                                              \--it cannot flush--> gone, 70
 *      \--fenced, broken--> gone, 75 or 70, from every state but: fenced is nothing once it leaves
 * ```
 *
 * A signal while it is ordered to leave waits until it is known whether the order is obeyed, and drains if not; one while it hands
 * over or passes on waits for the end of that; a second one ends it in every state. An order while it drains is refused with 409.
 * What requests meet in each state is drawn in worker/request-thread.ts.
 */
export class RunningInstance implements Leaving {
  readonly #parts: Parts
  readonly #handedOver = Promise.withResolvers<void>()
  readonly #succession = new Succession()
  #admin: AdminServer | undefined
  #isLeaving = false
  #drained: Promise<void> | undefined
  /** Whether the last order made this instance leave, once that is known. */
  #order: Promise<boolean> = Promise.resolve(false)

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get port(): number {
    return this.#parts.port
  }

  get adminPort(): number {
    return this.#admin?.port ?? 0
  }

  /** Resolves when a successor has taken over and the last client has moved on: the process can end. */
  get handedOver(): Promise<void> {
    return this.#handedOver.promise
  }

  /** The admin port takes orders from now on, and ends with this instance. */
  administer(admin: AdminServer): void {
    this.#admin = admin
    admin.serve(this)
  }

  /** Orderly shutdown, spec section 6: nothing that was accepted stays without an answer. */
  drain(): Promise<void> {
    return this.#drained ??= this.#drain()
  }

  /**
   * Whether the caller may succeed this instance. Of two that want to at once one must not even open the port: what it had
   * parked would end with it.
   */
  claim(successor: string): AdminAnswer {
    if (this.#isLeaving) return { status: 409, text: 'it is leaving already' }
    const token = this.#succession.claim(successor)
    if (token === undefined) return { status: 409, text: 'another process is taking over already' }
    this.#parts.log.info({ successor }, 'claimed by a successor')
    return { status: 200, text: token }
  }

  /**
   * Gives the lease to the successor that listens on the same port already. Resolves when it is free; the clients
   * that are still connected here are served by passing their requests on. When it fails after it has stopped serving, `handedOver`
   * rejects as well: this instance must not stay.
   */
  async handOver(successor: string, token: string): Promise<AdminAnswer> {
    const { log, threads, config, port } = this.#parts
    const refusal = await this.#refusalOf(successor, token)
    if (refusal !== undefined) {
      log.warn({ successor, reason: refusal.text }, 'refused to hand over')
      return refusal
    }
    this.#isLeaving = true
    log.info({ successor }, 'ordered to hand over')
    const isObeyed = Promise.withResolvers<boolean>()
    this.#order = isObeyed.promise
    try {
      await threads.stopListening()
      // Nobody of this process listens: whoever answers now is the successor.
      if (await stateBehind(localUrl(config.host, port)) === undefined) {
        await threads.listenAgain(config.host, port)
        log.warn({ successor }, 'the successor is gone, serving on')
        this.#isLeaving = false
        isObeyed.resolve(false)
        return { status: 409, text: `nobody answers on port ${port}` }
      }
      isObeyed.resolve(true)
      log.info({ successor }, 'handing over')
      await this.#stopDuties()
      await threads.handOver(successorHost(config.host), port, config.shutdownTimeoutMs)
      await this.#letGo()
    } catch (error) {
      isObeyed.resolve(true)
      this.#handedOver.reject(error)
      throw error
    }
    log.info('handed over, passing on what still comes')
    this.#leave().catch((error: unknown) => this.#handedOver.reject(error))
    return { status: 204 }
  }

  /** Why this instance does not leave; undefined when the order is the successor's, and that is ready. */
  async #refusalOf(successor: string, token: string): Promise<AdminAnswer | undefined> {
    const { config, port, queries } = this.#parts
    if (this.#isLeaving) return { status: 409, text: 'it is leaving already' }
    if (!this.#succession.redeem(successor, token)) return { status: 403, text: 'this is no claimed successor' }
    const isWaiting = await queries.run((client) => isWaitingForLease(client, successor)).catch(() => undefined)
    if (isWaiting === undefined) return { status: 409, text: 'the database does not tell who waits for the lease' }
    if (!isWaiting) return { status: 403, text: `no instance ${successor} waits for the lease` }
    if (!await findsStandby(localUrl(config.host, port))) return { status: 409, text: `no standby listens on port ${port}` }
    // A signal may have come meanwhile.
    return this.#isLeaving ? { status: 409, text: 'it is leaving already' } : undefined
  }

  async #drain(): Promise<void> {
    const { config, threads } = this.#parts
    while (this.#isLeaving) if (await this.#order) return this.#handedOver.promise
    this.#isLeaving = true
    await this.#stopDuties()
    const graceMs = Math.min(DRAIN_GRACE_MS, config.shutdownTimeoutMs / 2)
    await threads.drain(graceMs, config.shutdownTimeoutMs)
    await this.#letGo()
    this.#admin?.close()
  }

  async #leave(): Promise<void> {
    // The answer to the successor first.
    setImmediate(() => this.#admin?.close())
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
}
