import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { INSTANCE_STATES, type InstanceBoard } from '../instance-board.ts'
import type { PeerFigures } from '../http/peers.ts'
import type { ThreadMetrics } from '../thread-messages.ts'
import type { RequestThreads } from './request-threads.ts'
import type { SaleBook } from './sale-book.ts'

/** Who has the lease; without an instance when its last holder has released it. */
export interface LeaseHolderName {
  readonly instanceId: string | undefined
  readonly epoch: number
}

/**
 * The figures of `/metrics`. Nothing is counted here: threads and engine count in plain words on the request
 * path, and each scrape gathers them.
 */
export class Metrics {
  readonly #registry = new Registry()
  readonly #refresh: ((metrics: readonly ThreadMetrics[]) => void)[] = []
  #threads: RequestThreads | undefined

  /** What there is from the start of the process on. `droppedLines` of the log. */
  constructor(board: InstanceBoard, holder: () => LeaseHolderName | undefined, droppedLines: () => number) {
    collectDefaultMetrics({ register: this.#registry })
    this.#process(board, holder, droppedLines)
  }

  /** From now on the figures of an instance that serves as well. */
  serve(book: SaleBook, threads: RequestThreads, isUnsafe: () => boolean): void {
    this.#threads = threads
    this.#instance(isUnsafe)
    this.#sales(book)
    this.#answers()
    this.#peers()
    this.#writers()
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  async text(): Promise<string> {
    const metrics = await this.#threads?.metrics() ?? []
    for (const refresh of this.#refresh) refresh(metrics)
    return this.#registry.metrics()
  }

  #process(board: InstanceBoard, holder: () => LeaseHolderName | undefined, droppedLines: () => number): void {
    const state = this.#gauge('megacache_instance_state', 'Which state the instance is in: 1 for that one.', ['state'])
    const lease = this.#gauge('megacache_lease_holder_info', 'Which instance has the lease, as far as this one knows: 1 for that one.', ['holder', 'epoch'])
    const dropped = this.#gauge('megacache_log_lines_dropped_total', 'Log lines that found no reader.', [])
    this.#refresh.push(() => {
      for (const name of INSTANCE_STATES) state.set({ state: name }, name === board.state ? 1 : 0)
      lease.reset()
      const known = holder()
      if (known !== undefined) lease.set({ holder: known.instanceId ?? '', epoch: String(known.epoch) }, 1)
      dropped.set(droppedLines())
    })
  }

  #instance(isUnsafe: () => boolean): void {
    const unsafe = this.#gauge('megacache_unsafe_database', '1 when the database may lose acknowledged commits.', [])
    const connections = this.#gauge('megacache_http_connections', 'Open connections on the public port.', [])
    const storage = this.#gauge('megacache_storage_available_threads', 'Request threads that reach the database.', [])
    const dropped = this.#gauge('megacache_attempts_dropped_total', 'Attempts that the log of attempts had no room for.', [])
    this.#refresh.push((metrics) => {
      dropped.set(metrics.reduce((sum, thread) => sum + (thread.attemptsDropped ?? 0), 0))
      unsafe.set(isUnsafe() ? 1 : 0)
      connections.set(metrics.reduce((sum, thread) => sum + thread.connections, 0))
      storage.set(metrics.filter((thread) => thread.storageAvailable === true).length)
    })
  }

  #sales(book: SaleBook): void {
    const items = this.#gauge('megacache_items', 'Items of a sale by state.', ['sale', 'state'])
    const events = this.#gauge('megacache_sale_events_total', 'What has happened in a sale since it is in memory.', ['sale', 'event'])
    const refusals = this.#gauge('megacache_refusals_total', 'Refused calls of the engine by reason.', ['sale', 'reason'])
    this.#refresh.push(() => {
      // Sales come and go: those that are gone must not be reported for ever.
      for (const gauge of [items, events, refusals]) gauge.reset()
      for (const { terms, engine } of book.all()) {
        const sale = String(terms.saleId)
        const { available, reserved, sold, totals } = engine.stats()
        for (const [state, count] of Object.entries({ available, reserved, sold })) items.set({ sale, state }, count)
        const { refusals: byReason, ...counts } = totals
        for (const [event, count] of Object.entries(counts)) events.set({ sale, event }, count)
        for (const [reason, count] of Object.entries(byReason)) refusals.set({ sale, reason }, count)
      }
    })
  }

  #answers(): void {
    const answers = this.#gauge('megacache_http_answers_total', 'Answers on the public port by status.', ['status'])
    const problems = this.#gauge('megacache_http_problems_total', 'Refused and failed requests by reason.', ['reason'])
    this.#refresh.push((metrics) => {
      setSums(answers, 'status', metrics.map((thread) => thread.answersByStatus))
      setSums(problems, 'reason', metrics.map((thread) => thread.problemsByReason))
    })
  }

  #peers(): void {
    const held = this.#gauge('megacache_http_held', 'What clients make the request threads hold.', ['what'])
    const ended = this.#gauge('megacache_http_connections_ended_total', 'Connections ended by a bound.', ['why'])
    this.#refresh.push((metrics) => {
      const sum = (name: keyof PeerFigures): number => metrics.reduce((total, thread) => total + thread.peers[name], 0)
      for (const what of ['requests', 'answerBytes', 'bodyBytes', 'pausedConnections', 'lingeringConnections'] as const) held.set({ what }, sum(what))
      ended.set({ why: 'unread' }, sum('cut'))
      ended.set({ why: 'too_many' }, sum('refused'))
    })
  }

  #writers(): void {
    const batches = this.#gauge('megacache_batches_total', 'Batches answered by the database.', ['writer'])
    const rows = this.#gauge('megacache_batch_rows_total', 'Rows settled.', ['writer'])
    const waiting = this.#gauge('megacache_batch_rows_waiting', 'Rows accepted and not settled.', ['writer'])
    const resolves = this.#gauge('megacache_batch_resolves_total', 'Batches in doubt that were sent again.', ['writer'])
    this.#refresh.push((metrics) => {
      for (const writer of ['checkout', 'purchase', 'cancel'] as const) {
        const of = metrics.flatMap((thread) => thread.writers?.[writer] ?? [])
        const sum = (pick: (one: (typeof of)[number]) => number): number => of.reduce((total, one) => total + pick(one), 0)
        batches.set({ writer }, sum((one) => one.batches))
        rows.set({ writer }, sum((one) => one.rowsSettled))
        waiting.set({ writer }, sum((one) => one.rowsWaiting))
        resolves.set({ writer }, sum((one) => one.resolves))
      }
    })
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] })
  }
}

function setSums<Label extends string>(
  gauge: Gauge<Label>, label: Label, counts: readonly Readonly<Record<string, number>>[],
): void {
  const sums = new Map<string, number>()
  for (const of of counts) for (const [key, count] of Object.entries(of)) sums.set(key, (sums.get(key) ?? 0) + count)
  for (const [key, sum] of sums) gauge.labels(key).set(sum)
}
