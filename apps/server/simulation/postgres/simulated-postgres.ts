import type { Counters } from '../world/counters.ts'
import type { Machine } from '../world/machine.ts'
import type { Random } from '../world/random.ts'
import type { Owner, Timeline } from '../world/timeline.ts'
import type { Trace } from '../world/trace.ts'
import { Backend } from './backend.ts'
import { CommitLog } from './commit-log.ts'
import { LockTable } from './lock-table.ts'
import { type CheckoutRow, type LeaseRow, type PurchaseRow, type SaleRow, Table, VersionedRow } from './tables.ts'
import { Transaction } from './transaction.ts'

/** Protections of the stored procedures; a seeded bug takes one out. */
export interface Protections {
  /** Batches read the epoch under the shared fence, and a take-over takes it exclusively. */
  readonly fence: boolean
  /** Batches compare the epoch. */
  readonly epochCheck: boolean
  /** A batch that found its rows makes its commit wait for those that wrote them. */
  readonly waitsForFoundRows: boolean
  /** Purchases of an item are unique. */
  readonly uniqueItem: boolean
}

export const ALL_PROTECTIONS: Protections = { fence: true, epochCheck: true, waitsForFoundRows: true, uniqueItem: true }

export interface PostgresOptions {
  readonly timeline: Timeline
  readonly random: Random
  readonly trace: Trace
  readonly counters: Counters
  readonly machine: Machine
  /** Commits wait for a standby, and a wait for it can be cut short. */
  readonly isReplicated: boolean
  readonly flushMsMax: number
  readonly protections?: Protections
  readonly refusesCode?: SimulatedPostgres['refusesCode']
  readonly onViolation: (what: string) => void
}

/**
 * PostgreSQL as far as this service uses it: the tables and unique keys, transactions with snapshots, waits for
 * conflicting rows, advisory and row locks, time limits, a log of commits that a crash cuts short. The stored procedures are
 * written again in `batch-procedures.ts` and its neighbours; a differential test holds them to the real ones.
 */
export class SimulatedPostgres implements Owner {
  readonly timeline: Timeline
  readonly random: Random
  readonly trace: Trace
  readonly counters: Counters
  readonly machine: Machine
  readonly isReplicated: boolean
  readonly protections: Protections
  readonly locks = new LockTable()
  readonly log: CommitLog
  readonly backends = new Set<Backend>()
  readonly lease: VersionedRow<LeaseRow>
  readonly sales: Table<SaleRow> = new Table()
  readonly checkouts: Table<CheckoutRow> = new Table()
  readonly purchases: Table<PurchaseRow> = new Table()
  readonly ordinals: Table<PurchaseRow> = new Table()
  readonly migrations: { name: string, checksum: string }[] = []
  readonly partitions = new Set<number>()
  readonly attempts = new Map<string, number>()
  /** Whether a code's row is refused for its own values; always the same answer. */
  readonly refusesCode: (code: string, kind: 'checkout' | 'purchase') => boolean
  readonly onViolation: (what: string) => void
  /** Told of each cancellation that is written, before it is committed. */
  onCancel: (row: CheckoutRow) => void = () => {}
  isReadOnly = false
  isDiskFull = false
  commitSequence = 1
  #isUp = true
  #isStarting = false
  #frozen: (() => void)[] | undefined
  #processCount = 100
  #generation = 0

  constructor(options: PostgresOptions) {
    this.timeline = options.timeline
    this.random = options.random
    this.trace = options.trace
    this.counters = options.counters
    this.machine = options.machine
    this.isReplicated = options.isReplicated
    this.protections = options.protections ?? ALL_PROTECTIONS
    this.refusesCode = options.refusesCode ?? (() => false)
    this.onViolation = options.onViolation
    this.log = new CommitLog(this.timeline, this.random.stream('log'), this, options.flushMsMax)
    const first = new Transaction(0)
    first.becomeVisible(1, 0)
    this.lease = new VersionedRow<LeaseRow>({ epoch: 0, holder: null, renewedAtMs: null }, first)
  }

  /** `starting`: it answers that it cannot answer yet. */
  get state(): 'up' | 'down' | 'starting' {
    return this.#isUp ? 'up' : this.#isStarting ? 'starting' : 'down'
  }

  get isFrozen(): boolean {
    return this.#frozen !== undefined
  }

  accept(task: () => void): void {
    if (this.#frozen === undefined) task()
    else this.#frozen.push(() => this.accept(task))
  }

  open(): Backend {
    const backend = new Backend(this, ++this.#processCount, `${this.#generation}/${this.timeline.nowMs}`)
    this.backends.add(backend)
    return backend
  }

  /** SIGSTOP of every process of it. */
  freeze(): void {
    this.#frozen ??= []
  }

  thaw(): void {
    const held = this.#frozen
    this.#frozen = undefined
    for (const task of held ?? []) this.timeline.after(0, task)
  }

  /** Immediate stop, or the fail-over to a standby: what was not kept may be gone, and so is every session. */
  crash(downMs: number): void {
    if (!this.#isUp) return
    this.trace.add('postgres', `crashes for ${downMs.toFixed(0)} ms`)
    this.#isUp = false
    this.#generation++
    this.thaw()
    const { survived, lost } = this.log.crash()
    const ended = [...this.backends]
    // Commits that have survived without having been seen are seen when the server is back.
    for (const transaction of survived) if (transaction.state === 'running') transaction.becomeVisible(++this.commitSequence, this.timeline.nowMs)
    for (const backend of ended) backend.vanish()
    for (const transaction of lost.toReversed()) {
      if (transaction.state === 'committed') this.counters.add('commit seen and then lost by a fail-over')
      transaction.takeBack()
    }
    this.#isStarting = true
    this.timeline.after(downMs, () => {
      this.#isUp = true
      this.#isStarting = false
      this.trace.add('postgres', 'is back')
    })
  }

  /** Ends all sessions that `isWanted` names. Returns how many. */
  terminate(isWanted: (backend: Backend) => boolean): number {
    const wanted = [...this.backends].filter(isWanted)
    for (const backend of wanted) backend.terminate()
    return wanted.length
  }

  /** What is committed, for those who look from outside. */
  observe(): { reader: Transaction, snapshot: number } {
    return { reader: new Transaction(this.timeline.nowMs), snapshot: this.commitSequence }
  }
}
