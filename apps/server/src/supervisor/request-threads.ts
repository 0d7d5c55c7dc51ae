import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Activation, Order, Report, SharedSale, ThreadMetrics, ThreadSettings } from '../thread-messages.ts'
import { StartError } from './exit-status.ts'
import { ListenError } from './listen-error.ts'

/** More threads than this gain nothing: the database connection of each becomes the limit. */
const THREADS_AUTO_MAX = 4
/**
 * A running thread that does not answer an order for so long has failed in it. Orders of a rotation are then given again, without
 * end: a sale is prepared long before it begins, and a machine that is slow for a while must not end the process.
 */
const ORDER_MS_MAX = 10_000
/** Threads load their code and connect, on a machine that may start many things at once. Nobody is served by then. */
const START_MS_MAX = 30_000
const METRICS_MS_MAX = 1_000

export interface RequestThreadsOptions {
  /** The module that the threads run. */
  readonly module: URL
  readonly count: number | 'auto'
  readonly settings: Omit<ThreadSettings, 'threadNumber'>
  readonly onLog: (report: Extract<Report, { kind: 'log' }>) => void
  /** A thread died or reports something that must not be survived. */
  readonly onFatal: (kind: 'fenced' | 'broken', message: string) => void
}

/** The threads that serve the public port, as the supervisor sees them. */
export class RequestThreads {
  readonly #workers: Worker[] = []
  readonly #options: RequestThreadsOptions
  readonly #awaited = new Set<(worker: Worker, report: Report) => void>()
  /** What each thread told last. */
  readonly #figures = new Map<Worker, Extract<Report, { kind: 'metrics' }>>()
  #isEnding = false
  #askedCount = 0

  private constructor(options: RequestThreadsOptions) {
    this.#options = options
  }

  /** Starts the threads and waits until each has loaded its code: it can listen, and parks what comes. */
  static async start(options: RequestThreadsOptions): Promise<RequestThreads> {
    const threads = new RequestThreads(options)
    const count = options.count === 'auto' ? Math.min(availableParallelism(), THREADS_AUTO_MAX) : options.count
    const isLoaded = threads.#each(count, (report) => report.kind === 'loaded', START_MS_MAX, tooSlowToStart)
    for (let threadNumber = 0; threadNumber < count; threadNumber++) threads.#spawn(threadNumber)
    await isLoaded
    return threads
  }

  get count(): number {
    return this.#workers.length
  }

  /** Gives the threads what they serve with; resolves when each has its connection to the database. */
  activate(activation: Activation): Promise<void> {
    return this.#order({ kind: 'activate', activation }, (report) => report.kind === 'active', START_MS_MAX, tooSlowToStart)
  }

  /** From now on requests are served, those first that have been parked. */
  open(): Promise<void> {
    return this.#order({ kind: 'open' }, (report) => report.kind === 'opened', START_MS_MAX, tooSlowToStart)
  }

  /**
   * Opens the listeners and returns the port. Each thread has a listener of its own on the
   * same port, and the kernel spreads connections over them. Where that does not exist the first
   * thread serves alone, and `onLog` hears of it.
   */
  async listen(host: string, port: number): Promise<number> {
    const [first, ...others] = this.#workers
    const chosen = await this.#listenOn(first!, host, port, true).catch((error: unknown) => {
      if (!(error instanceof ListenError) || !UNSUPPORTED.has(error.code)) throw error
      this.#options.onLog({
        kind: 'log', level: 'warn', message: 'this system cannot share a port: one request thread serves alone',
        fields: { code: error.code },
      })
      others.length = 0
      return this.#listenOn(first!, host, port, false)
    })
    await Promise.all(others.map((worker) => this.#listenOn(worker, host, chosen, true)))
    return chosen
  }

  /** Gives all threads a sale; resolves when each can serve it. */
  async share(sale: SharedSale): Promise<void> {
    const { saleId } = sale.terms
    await this.#order({ kind: 'sale', sale }, (report) => report.kind === 'saleReady' && report.saleId === saleId)
  }

  /** Makes all threads forget a sale. */
  async drop(saleId: number): Promise<void> {
    await this.#order({ kind: 'drop', saleId }, (report) => report.kind === 'saleDropped' && report.saleId === saleId)
  }

  setClockOffset(offsetMs: number, scheduleOffsetMs: number): void {
    for (const worker of this.#workers) worker.postMessage({ kind: 'clock', offsetMs, scheduleOffsetMs } satisfies Order)
  }

  /**
   * Asks every thread for its figures. One that does not answer within a second stands with those that it gave last:
   * sums that fell and rose again would be taken for a restart. What it can reach meanwhile nobody knows.
   */
  async metrics(): Promise<ThreadMetrics[]> {
    const askedAs = ++this.#askedCount
    await this.#order({ kind: 'metrics', askedAs }, (report) => report.kind === 'metrics' && report.askedAs === askedAs, METRICS_MS_MAX)
      .catch(() => {})
    return [...this.#figures.values()].map((figures) =>
      figures.askedAs >= askedAs ? figures.metrics : { ...figures.metrics, storageAvailable: false })
  }

  /** Stops accepting, answers what is under way, makes it durable, and ends the threads. */
  async drain(graceMs: number, withinMs: number): Promise<void> {
    this.#isEnding = true
    await this.stopListening()
    await this.#order({ kind: 'drain', graceMs }, (report) => report.kind === 'drained', withinMs)
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  /** Makes durable what is under way; whatever comes now goes to the successor on this port. Stop listening first. */
  async handOver(host: string, port: number, withinMs: number): Promise<void> {
    this.#isEnding = true
    await this.#order({ kind: 'handOver', host, port }, (report) => report.kind === 'handedOver', withinMs)
  }

  /** A successor that was to take over is gone: the listeners are opened again. */
  async listenAgain(host: string, port: number): Promise<void> {
    await this.listen(host, port)
  }

  /** After a hand-over: waits until the last connection is gone, then ends the threads. */
  async leave(graceMs: number): Promise<void> {
    await this.#order({ kind: 'leave', graceMs }, (report) => report.kind === 'drained', graceMs + ORDER_MS_MAX)
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  /**
   * All threads, before any of them tells a client to come again: the new connection would find the listener of a thread
   * that is just about to close its own, and be reset.
   */
  stopListening(): Promise<void> {
    return this.#order({ kind: 'stopListening' }, (report) => report.kind === 'stoppedListening')
  }

  #spawn(threadNumber: number): void {
    const worker = new Worker(this.#options.module, {
      name: `request-${threadNumber}`,
      workerData: { ...this.#options.settings, threadNumber } satisfies ThreadSettings,
    })
    this.#workers.push(worker)
    worker.on('message', (report: Report) => this.#hear(worker, report))
    worker.on('error', (error: Error) => {
      this.#options.onFatal('broken', `request thread ${threadNumber} failed: ${error.stack ?? error.message}`)
    })
    worker.on('exit', (code) => {
      if (!this.#isEnding) this.#options.onFatal('broken', `request thread ${threadNumber} ended with status ${code}`)
    })
  }

  #hear(worker: Worker, report: Report): void {
    if (report.kind === 'log') return this.#options.onLog(report)
    if (report.kind === 'fenced') return this.#options.onFatal('fenced', 'another instance has taken over')
    if (report.kind === 'broken') return this.#options.onFatal('broken', report.message)
    if (report.kind === 'metrics') this.#figures.set(worker, report)
    for (const hear of this.#awaited) hear(worker, report)
  }

  #order(order: Order, isAnswer: (report: Report) => boolean, withinMs = ORDER_MS_MAX, late = noAnswer): Promise<void> {
    const done = this.#each(this.#workers.length, isAnswer, withinMs, late)
    for (const worker of this.#workers) worker.postMessage(order)
    return done
  }

  /** Resolves when `count` threads have given a report that is an answer; rejects with `late` when they have not in time. */
  #each(count: number, isAnswer: (report: Report) => boolean, withinMs: number, late: (withinMs: number) => Error): Promise<void> {
    return new Promise((resolve, reject) => {
      const answered = new Set<Worker>()
      const finish = (error?: Error): void => {
        clearTimeout(timer)
        this.#awaited.delete(hear)
        if (error === undefined) resolve()
        else reject(error)
      }
      const hear = (worker: Worker, report: Report): void => {
        if (!isAnswer(report)) return
        answered.add(worker)
        if (answered.size === count) finish()
      }
      const timer = setTimeout(() => finish(late(withinMs)), withinMs)
      this.#awaited.add(hear)
    })
  }

  #listenOn(worker: Worker, host: string, port: number, reusePort: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      const hear = (from: Worker, report: Report): void => {
        if (from !== worker) return
        if (report.kind === 'listening') resolve(report.port)
        else if (report.kind === 'listenFailed') reject(new ListenError('PORT', host, port, report))
        else return
        this.#awaited.delete(hear)
      }
      this.#awaited.add(hear)
      worker.postMessage({ kind: 'listen', host, port, reusePort } satisfies Order)
    })
  }
}

function noAnswer(withinMs: number): Error {
  return new Error(`a request thread gave no answer within ${withinMs} ms`)
}

function tooSlowToStart(withinMs: number): StartError {
  return new StartError(`the request threads were not ready within ${withinMs / 1_000} s: this machine is too slow or overloaded`)
}

/** What systems answer that know no SO_REUSEPORT. */
const UNSUPPORTED: ReadonlySet<string> = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENOPROTOOPT', 'EINVAL'])
