import { acquireLease, type ClockOffset, type Connection, inspectServer, type Lease, type LeaseHolder, measureClock } from '@megacache/persistence'
import { SaleClock, StepDetector } from '@megacache/sale-clock'
import type { Logger } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import type { Config } from '../config.ts'
import type { InstanceBoard, InstanceState } from '../instance-board.ts'
import { RareQueries } from '../rare-queries.ts'
import { SteadyTime } from '../steady-time.ts'
import { AdminServer } from './admin-server.ts'
import { DatabaseOffset, ScheduleOffset } from './database-offset.ts'
import { EXIT } from './exit-status.ts'
import { Predecessor } from './hand-over.ts'
import { ListenError } from './listen-error.ts'
import { type LeaseHolderName, Metrics } from './metrics.ts'
import type { OpenDatabase } from './open-database.ts'
import { probePort } from './port-probe.ts'
import { RequestThreads } from './request-threads.ts'
import { retireSale } from './retire-sale.ts'
import { RunningInstance } from './running-instance.ts'
import { SaleBook, shared } from './sale-book.ts'

const SWEEP_INTERVAL_MS = 25
const STUCK_INTERVAL_MS = 500
const ATTEMPTS_INTERVAL_MS = 5_000
const STEP_INTERVAL_MS = 1_000
/** How long an instance that never served has for telling its clients so. */
const ABANDON_MS_MAX = 2_000
const RETENTION_INTERVAL_MS = 3_600_000
const ADMIN_RETRY_MS = 100
/** As long as a predecessor may take to end (SHUTDOWN_TIMEOUT): who serves already must not end for its admin port. */
const ADMIN_RETRIES_MAX = 6_000

/** Ends the process at once; called when nothing more may be acknowledged. */
export type FailStop = (status: number, message: string) => void

export interface InstanceParts {
  readonly config: Config
  readonly threadModule: URL
  readonly board: InstanceBoard
  readonly log: Logger
  readonly failStop: FailStop
  readonly droppedLines: () => number
}

/**
 * One server process in the order of its life: admin port, database, lease, recovery, request threads, sale clock,
 * listeners; then draining in reverse. Runs on the main thread, which serves no requests.
 */
export class Instance {
  /** 32 hexadecimal digits: a UUID without its dashes, as long as the database allows. */
  readonly id = uuidv7().replaceAll('-', '')
  readonly #board: InstanceBoard
  readonly #metrics: Metrics
  readonly #config: Config
  readonly #threadModule: URL
  readonly #log: Logger
  readonly #failStop: FailStop
  readonly #timers: NodeJS.Timeout[] = []
  readonly #time = new SteadyTime()
  /** The clock that the engine's expiries are on, as persistence reads it. */
  readonly #steadyClock = { nowMs: (): number => this.#time.monotonicMs() }
  #holder: LeaseHolderName | undefined
  #admin: AdminServer | undefined
  #threads: RequestThreads | undefined
  #offset: DatabaseOffset | undefined
  #schedule: ScheduleOffset | undefined
  #isUnsafe = false

  /** `threadModule` is what request threads run; `droppedLines` tells how many log lines found no reader. */
  constructor({ config, threadModule, board, log, failStop, droppedLines }: InstanceParts) {
    this.#config = config
    this.#board = board
    board.enter('starting', Date.now())
    this.#metrics = new Metrics(board, () => this.#holder, droppedLines)
    this.#threadModule = threadModule
    this.#log = log
    this.#failStop = failStop
  }

  /**
   * Finds out whether the ports can be had, before anything else is begun, and opens the admin port. Not for a successor: it
   * shares the one with its predecessor, and gets the other one from it.
   */
  async claimPorts(): Promise<void> {
    const { host, port } = this.#config
    await probePort(host, port)
    this.#admin = await this.#openAdmin()
    this.#log.info({ adminPort: this.#admin.port, pid: process.pid, instanceId: this.id }, 'admin port open')
  }

  /**
   * Everything from the open database to the open port. Rejects with a `StartError` that says why not.
   * With `takeOver` the port is opened first, and the instance that has it is asked to leave: see hand-over.ts.
   */
  async start(database: OpenDatabase, takeOver: boolean): Promise<RunningInstance> {
    const { connection } = database
    await this.#inspect(connection)
    const threads = await this.#loadThreads()
    this.#threads = threads
    this.#enter('standby')
    const predecessor = takeOver ? await Predecessor.find(this.#config, this.id, this.#log) : undefined
    let port = predecessor === undefined ? undefined : await threads.listen(this.#config.host, this.#config.port)
    const lease = await this.#acquireLease(connection, threads, predecessor)
    // Tagged with the epoch: one that is stuck, and the fence with it, must not outlive this instance's turn.
    const queries = new RareQueries(connection, `megacache/${lease.epoch}/${this.id}/main`, 2)
    const book = new SaleBook(queries, lease.epoch, newTermsOf(this.#config), this.#time)
    this.#log.info(await book.recover(), 'recovered')
    const measured = await queries.run((client) => measureClock(client, this.#steadyClock))
    this.#offset = new DatabaseOffset(measured, this.#time.monotonicMs())
    const { offsetMs: clockOffsetMs } = this.#offset
    const schedule = new ScheduleOffset(clockOffsetMs, (jump) => this.#log.error(jump, 'the clock of the database jumped: sales and retention keep to the time before until it has lasted'))
    this.#schedule = schedule
    await threads.activate({ epoch: lease.epoch, connection, sales: book.shared(), clockOffsetMs, scheduleOffsetMs: clockOffsetMs })
    const clock = this.#saleClock(book, threads, schedule)
    await clock.start()
    await threads.open()
    this.#enter('active')
    port ??= await this.#openPort(threads)
    this.#metrics.serve(book, threads, () => this.#isUnsafe)
    const running = new RunningInstance({
      instance: this, config: this.#config, log: this.#log, lease, queries, threads, clock, book, port, timers: this.#timers,
    })
    this.#admin ??= await this.#openAdminAfter()
    running.administer(this.#admin)
    this.#keepHouse(book)
    return running
  }

  /** Told to end, or failing, before it serves: those whose requests are buffered here are told 503. */
  async abandon(): Promise<void> {
    await this.#threads?.drain(ABANDON_MS_MAX / 2, ABANDON_MS_MAX)
  }

  /** Waits for the lease; with a predecessor, until that has left, unless it refuses to. */
  async #acquireLease(
    connection: Connection, threads: RequestThreads, predecessor: Predecessor | undefined,
  ): Promise<Lease> {
    const refused = new AbortController()
    let leaving: Promise<void> | undefined
    try {
      const lease = await acquireLease({
        connection,
        instanceId: this.id,
        clock: this.#steadyClock,
        signal: refused.signal,
        onLost: () => this.#fenced(),
        onWaiting: (holder) => {
          this.#waitFor(holder)
          // Not before: the predecessor looks for the session that waits.
          leaving ??= predecessor?.leave().catch((error: unknown) => refused.abort(error))
        },
        onDurability: (problem) => this.#tellDurability(problem),
        onDisconnected: (atMs) => this.#board.disconnect(atMs),
        onRenewed: (measured, provenUntilMs) => {
          this.#board.prove(provenUntilMs)
          if (this.#offset !== undefined) this.#followClock(this.#offset, measured, threads)
        },
      })
      if (lease.isHeld()) this.#board.prove(lease.provenUntilMs)
      this.#holder = { epoch: lease.epoch, instanceId: this.id }
      this.#log.info({ epoch: lease.epoch, instanceId: this.id }, 'lease acquired')
      await leaving
      return lease
    } catch (error) {
      throw refused.signal.aborted ? refused.signal.reason : error
    }
  }

  async #inspect(connection: Connection): Promise<void> {
    const { unsafeDatabase: allowUnsafe } = this.#config
    const queries = new RareQueries(connection, `megacache/supervisor/${this.id}`, 1)
    try {
      const facts = await queries.run((client) => inspectServer(client, { allowUnsafe }))
      this.#isUnsafe = facts.unsafeSettings.length > 0
      if (this.#isUnsafe) this.#log.warn(facts, 'UNSAFE: this database may forget acknowledged purchases')
    } finally {
      await queries.close()
    }
  }

  /** Settings can change at any time: without what durability needs nothing is acknowledged, until it is back. ADR 17. */
  #tellDurability(problem: string | undefined): void {
    const isAllowed = this.#config.unsafeDatabase
    // Found at the start already, and said.
    if (isAllowed && this.#isUnsafe === (problem !== undefined)) return
    this.#isUnsafe = problem !== undefined
    if (problem === undefined) this.#log.info('the database is safe again')
    else if (isAllowed) this.#log.warn({ problem }, 'UNSAFE: this database may forget acknowledged purchases')
    else {
      this.#board.prove(0)
      this.#log.error({ problem }, 'UNSAFE: nothing is acknowledged until the database is safe again')
    }
  }

  #followClock(offset: DatabaseOffset, measured: ClockOffset, threads: RequestThreads): void {
    const nowMs = this.#time.monotonicMs()
    const isTaken = offset.offer(measured, nowMs)
    const before = this.#schedule?.offsetMs
    this.#schedule?.follow(offset.offsetMs, nowMs)
    if (this.#schedule !== undefined && (isTaken || this.#schedule.offsetMs !== before)) threads.setClockOffset(offset.offsetMs, this.#schedule.offsetMs)
  }

  #loadThreads(): Promise<RequestThreads> {
    return RequestThreads.start({
      module: this.#threadModule,
      count: this.#config.threads,
      settings: { instanceId: this.id, board: this.#board.memory, attemptLog: this.#config.attemptLog },
      onLog: ({ level, message, fields }) => this.#log[level](fields, message),
      onFatal: (kind, message) => {
        if (kind === 'fenced') this.#fenced()
        else this.#failStop(EXIT.broken, message)
      },
    })
  }

  enter(state: InstanceState): void {
    this.#enter(state)
  }

  #enter(state: InstanceState): void {
    this.#board.enter(state, Date.now())
    this.#log.info({ state }, 'instance state')
  }

  /** Said once for each holder: the standby looks many times a second. */
  #waitFor({ instanceId, epoch }: LeaseHolder): void {
    if (this.#holder?.epoch === epoch) return
    this.#holder = { instanceId, epoch }
    this.#log.info({ holder: instanceId, epoch }, 'another instance is active, waiting for its lease')
  }

  #fenced(): void {
    // An instance that leaves has given its lease away itself.
    if (this.#board.state === 'draining') return
    this.#failStop(EXIT.fenced, 'another instance has taken over')
  }

  #openAdmin(): Promise<AdminServer> {
    const { adminHost: host, adminPort: port, adminToken: token } = this.#config
    return AdminServer.open({
      host, port, token, instanceId: this.id, board: this.#board, metrics: this.#metrics, holder: () => this.#holder,
    })
  }

  /** The predecessor may still have it for a moment. */
  async #openAdminAfter(): Promise<AdminServer> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#openAdmin()
      } catch (error) {
        const isTaken = error instanceof ListenError && error.code === 'EADDRINUSE'
        if (!isTaken || attempt === ADMIN_RETRIES_MAX) throw error
        await new Promise((resolve) => { setTimeout(resolve, ADMIN_RETRY_MS) })
      }
    }
  }

  /** By the database's clock: hosts may differ, and sales may not (ADR 17). */
  #saleClock(book: SaleBook, threads: RequestThreads, schedule: ScheduleOffset): SaleClock {
    const { newest } = book
    const monotonicMs = (): number => this.#time.monotonicMs()
    return new SaleClock({
      clock: { monotonicMs, wallMs: () => monotonicMs() + schedule.offsetMs },
      periodMs: this.#config.salePeriodMs,
      restored: book.all().map(({ terms }) => terms),
      ...(newest === undefined ? {} : { current: newest }),
      prepare: async (planned) => {
        const sale = await book.prepare(planned)
        const { terms } = sale
        await threads.share(shared(sale))
        this.#warnOfOtherTerms(terms)
        return terms
      },
      open: (sale) => {
        this.#board.open(sale.saleId)
        this.#log.info({ saleId: sale.saleId, endsAt: new Date(sale.endsAtMs).toISOString() }, 'sale opened')
      },
      retire: async (sale) => {
        if (!await retireSale(sale.saleId, book, threads)) return false
        this.#log.info({ saleId: sale.saleId }, 'sale retired')
        return true
      },
      onError: (error, phase, sale) => this.#log.error({ err: error, phase, saleId: sale.saleId }, 'rotation failed, trying again'),
    })
  }

  #warnOfOtherTerms(terms: { itemCount: number; userLimit: number; reservationTtlMs: number; saleId: number }): void {
    const wanted = newTermsOf(this.#config)
    const isOther = terms.itemCount !== wanted.itemCount || terms.userLimit !== wanted.userLimit ||
      terms.reservationTtlMs !== wanted.reservationTtlMs
    if (isOther) this.#log.warn({ terms, wanted }, 'this sale keeps the terms it was created with; the settings apply to the next one')
  }

  async #openPort(threads: RequestThreads): Promise<number> {
    const { host, port } = this.#config
    if (port !== 0) await probePort(host, port)
    return threads.listen(host, port)
  }

  #keepHouse(book: SaleBook): void {
    this.#every(SWEEP_INTERVAL_MS, 'sweep', async () => book.sweep())
    this.#every(STUCK_INTERVAL_MS, 'check for stuck items', async () => {
      const stuck = book.stuck()
      if (stuck !== undefined) this.#failStop(EXIT.broken, stuck)
    })
    this.#every(ATTEMPTS_INTERVAL_MS, 'attempt counts', () => book.recordAttempts())
    const dropOld = (): Promise<void> => this.#dropOld(book)
    const steps = new StepDetector({ monotonicMs: () => this.#time.monotonicMs(), wallMs: () => Date.now() })
    this.#every(STEP_INTERVAL_MS, 'look at the clocks', async () => {
      const step = steps.check()
      if (step !== undefined) this.#log.warn(step, 'wall time jumped')
    })
    this.#every(RETENTION_INTERVAL_MS, 'retention', dropOld)
    dropOld().catch((error: unknown) => this.#log.warn({ err: error }, 'retention failed, trying again later'))
  }

  async #dropOld(book: SaleBook): Promise<void> {
    if (this.#schedule?.isHeld === true) {
      this.#log.error('retention: nothing is dropped, the clock of the database has just jumped')
      return
    }
    const { partitions, saleCount, refused } = await book.dropOld(this.#config.retentionMs)
    if (partitions.length > 0) this.#log.info({ partitions, saleCount }, 'retention: old sales dropped')
    if (refused.length > 0) this.#log.error({ refused }, 'retention: the clock of the database is ahead of the newest sale, kept what only it would drop')
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

function newTermsOf(config: Config): { itemCount: number; userLimit: number; reservationTtlMs: number } {
  return { itemCount: config.saleItems, userLimit: config.userLimit, reservationTtlMs: config.reservationTtlMs }
}
