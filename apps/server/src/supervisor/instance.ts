import { acquireLease, inspectServer, type Lease, type LeaseHolder, measureClock } from '@megacache/persistence'
import { SaleClock, systemClock } from '@megacache/sale-clock'
import type { Server } from 'node:http'
import type { Logger } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import type { Config } from '../config.ts'
import { InstanceBoard, type InstanceState } from '../instance-board.ts'
import { RareQueries } from '../rare-queries.ts'
import { openAdminServer } from './admin-server.ts'
import { EXIT } from './exit-status.ts'
import { Metrics } from './metrics.ts'
import type { OpenDatabase } from './open-database.ts'
import { probePort } from './port-probe.ts'
import { RequestThreads } from './request-threads.ts'
import { SaleBook } from './sale-book.ts'

const SWEEP_INTERVAL_MS = 25
const ATTEMPTS_INTERVAL_MS = 5_000
const RETENTION_INTERVAL_MS = 3_600_000
/** How long a draining instance waits for clients to go; spec section 6. */
const DRAIN_GRACE_MS = 5_000

/** The clock that the engine's expiries are on, as persistence reads it. */
const MONOTONIC = { nowMs: (): number => systemClock.monotonicMs() }

/** Ends the process at once; called when nothing more may be acknowledged. */
export type FailStop = (status: number, message: string) => void

/**
 * One server process in the order of its life: database, lease, recovery, request threads, sale clock,
 * listeners; then draining in reverse. Runs on the main thread, which serves no requests.
 */
export class Instance {
  /** 32 hexadecimal digits: a UUID without its dashes, as long as the database allows. */
  readonly id = uuidv7().replaceAll('-', '')
  readonly board = new InstanceBoard()
  readonly #config: Config
  readonly #threadModule: URL
  readonly #log: Logger
  readonly #failStop: FailStop
  readonly #timers: NodeJS.Timeout[] = []
  #awaitedEpoch: number | undefined
  #threads: RequestThreads | undefined

  /** `threadModule` is what request threads run. */
  constructor(config: Config, threadModule: URL, log: Logger, failStop: FailStop) {
    this.#config = config
    this.#threadModule = threadModule
    this.#log = log
    this.#failStop = failStop
  }

  /** Everything from the open database to the open port. Rejects with a `StartError` that says why not. */
  async start(database: OpenDatabase): Promise<RunningInstance> {
    const { id } = this
    const { connection } = database
    const queries = new RareQueries(connection, `megacache/supervisor/${id}`, 2)
    const { unsafeDatabase: allowUnsafe } = this.#config
    const facts = await queries.run((client) => inspectServer(client, { allowUnsafe }))
    const isUnsafe = facts.unsafeSettings.length > 0
    if (isUnsafe) this.#log.warn(facts, 'UNSAFE: this database may forget acknowledged purchases')
    this.#enter('standby')
    const lease = await acquireLease({
      connection,
      instanceId: id,
      clock: MONOTONIC,
      onLost: () => this.#fenced(),
      onWaiting: (holder) => this.#waitFor(holder),
      onRenewed: ({ offsetMs }) => this.#threads?.setClockOffset(offsetMs),
    })
    this.#log.info({ epoch: lease.epoch, instanceId: id }, 'lease acquired')
    const book = new SaleBook(queries, lease.epoch, newTermsOf(this.#config))
    this.#log.info(await book.recover(), 'recovered')
    const { offsetMs } = await queries.run((client) => measureClock(client, MONOTONIC))
    const threads = await RequestThreads.start({
      module: this.#threadModule,
      count: this.#config.threads,
      settings: {
        instanceId: id, epoch: lease.epoch, connection, board: this.board.memory, sales: book.shared(),
        clockOffsetMs: offsetMs, attemptLog: this.#config.attemptLog,
      },
      onLog: ({ level, message, fields }) => this.#log[level](fields, message),
      onFatal: (kind, message) => {
        if (kind === 'fenced') this.#fenced()
        else this.#failStop(EXIT.broken, message)
      },
    })
    this.#threads = threads
    const clock = this.#saleClock(book, threads)
    await clock.start()
    const metrics = new Metrics(this.board, book, threads, isUnsafe)
    const port = await this.#openPorts(threads)
    const admin = await openAdminServer({
      host: this.#config.adminHost, port: this.#config.adminPort, token: this.#config.adminToken, metrics,
    })
    this.#keepHouse(book)
    this.#enter('active')
    return new RunningInstance({
      instance: this, config: this.#config, lease, queries, threads, clock, book, admin, port, timers: this.#timers,
    })
  }

  enter(state: InstanceState): void {
    this.#enter(state)
  }

  #enter(state: InstanceState): void {
    this.board.enter(state, Date.now())
    this.#log.info({ state }, 'instance state')
  }

  /** Said once for each holder: the standby looks many times a second. */
  #waitFor({ instanceId, epoch }: LeaseHolder): void {
    if (this.#awaitedEpoch === epoch) return
    this.#awaitedEpoch = epoch
    this.#log.info({ holder: instanceId, epoch }, 'another instance is active, waiting for its lease')
  }

  #fenced(): void {
    if (this.board.state === 'draining') return
    this.#enter('fenced')
    this.#failStop(EXIT.fenced, 'another instance has taken over')
  }

  #saleClock(book: SaleBook, threads: RequestThreads): SaleClock {
    const restored = book.all().map(({ terms }) => terms)
    const newest = restored.toSorted((a, b) => b.saleId - a.saleId)[0]
    return new SaleClock({
      periodMs: this.#config.salePeriodMs,
      restored,
      ...(newest === undefined ? {} : { current: newest }),
      prepare: async (planned) => {
        const { terms, engine } = await book.prepare(planned)
        await threads.share({ terms, handle: engine.handle })
        this.#warnOfOtherTerms(terms)
        return terms
      },
      open: (sale) => {
        this.board.open(sale.saleId)
        this.#log.info({ saleId: sale.saleId, endsAt: new Date(sale.endsAtMs).toISOString() }, 'sale opened')
      },
      retire: async (sale) => {
        if (!book.isOver(sale.saleId)) return false
        await threads.drop(sale.saleId)
        await book.giveUp(sale.saleId)
        this.#log.info({ saleId: sale.saleId }, 'sale retired')
        return true
      },
      onError: (error, phase, sale) => this.#log.error({ err: error, phase, saleId: sale.saleId }, 'rotation failed, trying again'),
      onStep: (step) => this.#log.warn(step, 'wall time jumped'),
    })
  }

  #warnOfOtherTerms(terms: { itemCount: number; userLimit: number; reservationTtlMs: number; saleId: number }): void {
    const wanted = newTermsOf(this.#config)
    const isOther = terms.itemCount !== wanted.itemCount || terms.userLimit !== wanted.userLimit ||
      terms.reservationTtlMs !== wanted.reservationTtlMs
    if (isOther) this.#log.warn({ terms, wanted }, 'this sale keeps the terms it was created with; the settings apply to the next one')
  }

  async #openPorts(threads: RequestThreads): Promise<number> {
    const { host, port } = this.#config
    if (port !== 0) await probePort(host, port)
    return threads.listen(host, port)
  }

  #keepHouse(book: SaleBook): void {
    const { retentionMs } = this.#config
    this.#every(SWEEP_INTERVAL_MS, 'sweep', async () => book.sweep())
    this.#every(ATTEMPTS_INTERVAL_MS, 'attempt counts', () => book.recordAttempts())
    const dropOld = (): Promise<void> => book.dropOld(retentionMs, Date.now())
    this.#every(RETENTION_INTERVAL_MS, 'retention', dropOld)
    dropOld().catch((error: unknown) => this.#log.warn({ err: error }, 'retention failed, trying again later'))
  }

  /** Repeats a duty; one that is still running is not started again. */
  #every(intervalMs: number, name: string, duty: () => Promise<void>): void {
    let isRunning = false
    this.#timers.push(setInterval(() => {
      if (isRunning) return
      isRunning = true
      duty()
        .catch((error: unknown) => this.#log.warn({ err: error }, `${name} failed, trying again later`))
        .finally(() => { isRunning = false })
    }, intervalMs))
  }
}

interface Parts {
  readonly instance: Instance
  readonly config: Config
  readonly lease: Lease
  readonly queries: RareQueries
  readonly threads: RequestThreads
  readonly clock: SaleClock
  readonly book: SaleBook
  readonly admin: Server
  readonly port: number
  readonly timers: readonly NodeJS.Timeout[]
}

/** An instance that serves. */
export class RunningInstance {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get port(): number {
    return this.#parts.port
  }

  get adminPort(): number {
    const address = this.#parts.admin.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Orderly shutdown, spec section 6: nothing that was accepted stays without an answer. */
  async drain(): Promise<void> {
    const { instance, config, lease, queries, threads, clock, book, admin, timers } = this.#parts
    instance.enter('draining')
    await clock.stop()
    for (const timer of timers) clearInterval(timer)
    const graceMs = Math.min(DRAIN_GRACE_MS, config.shutdownTimeoutMs / 2)
    await threads.drain(graceMs, config.shutdownTimeoutMs)
    await book.recordAttempts()
    await lease.release()
    await queries.close()
    admin.close()
    admin.closeAllConnections()
  }
}

function newTermsOf(config: Config): { itemCount: number; userLimit: number; reservationTtlMs: number } {
  return { itemCount: config.saleItems, userLimit: config.userLimit, reservationTtlMs: config.reservationTtlMs }
}
