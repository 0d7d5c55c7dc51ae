import type { Owner, Scheduled } from '../world/timeline.ts'
import type { LockMode } from './lock-table.ts'
import type { QueryResult } from './query-result.ts'
import type { SimulatedPostgres } from './simulated-postgres.ts'
import { SqlError, terminated } from './sql-error.ts'
import { procedureFor } from './statements.ts'
import { Transaction } from './transaction.ts'

/** What goes wrong with a statement on the server. */
export interface ServerFault {
  /** Refused before anything is done. */
  readonly error?: SqlError
  /** It stands still for so long after its work, before its commit, holding its locks. */
  readonly stuckMs?: number
  /** Somebody ends its session while it works. */
  readonly isKilled?: boolean
}

export type Reply =
  | { readonly kind: 'rows', readonly result: QueryResult, readonly isUnreplicated: boolean }
  | { readonly kind: 'error', readonly error: SqlError }

/** One server process and its session. */
export class Backend implements Owner {
  readonly postgres: SimulatedPostgres
  readonly processId: number
  readonly startedAt: string
  applicationName = ''
  statementTimeoutMs = 0
  lockTimeoutMs = 0
  /** Whether the server asks a client that says nothing if it is still there. */
  hasKeepalive = false
  /** Told once when the process ends by itself; with an error if it could still say one. */
  onGone: (error: SqlError | undefined) => void = () => {}
  #transaction: Transaction | undefined
  #isExplicit = false
  #isSnapshot = false
  #isFailed = false
  #isBusy = false
  #busySinceMs = 0
  #isEnded = false
  #isClientGone = false
  #isUnreplicated = false
  #death: SqlError | undefined
  /** Ends the wait under way by an error; undefined while nothing can be interrupted. */
  #interrupt: ((error: SqlError) => void) | undefined
  /** Takes it out of the line it stands in. */
  #abandon: () => void = () => {}

  constructor(postgres: SimulatedPostgres, processId: number, startedAt: string) {
    this.postgres = postgres
    this.processId = processId
    this.startedAt = startedAt
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  get isBusy(): boolean {
    return this.#isBusy
  }

  /** How long the statement under way has been running; 0 when there is none. */
  get busyMs(): number {
    return this.#isBusy ? this.postgres.timeline.nowMs - this.#busySinceMs : 0
  }

  /** Inside a statement or an explicit transaction. */
  get transaction(): Transaction {
    if (this.#transaction === undefined) throw new Error('there is no transaction')
    return this.#transaction
  }

  accept(task: () => void): void {
    if (!this.#isEnded) this.postgres.accept(() => { if (!this.#isEnded) task() })
  }

  after(delayMs: number, task: () => void): Scheduled {
    return this.postgres.timeline.after(delayMs, task, this)
  }

  /** A fresh snapshot, or that of the transaction. */
  snapshot(): number {
    return this.transaction.snapshot ?? this.postgres.commitSequence
  }

  wallMs(): number {
    return this.postgres.machine.wallMs()
  }

  /** Runs one statement; `reply` is not called when the session ends before there is an answer. */
  async run(text: string, values: readonly unknown[], fault: ServerFault, reply: (reply: Reply) => void): Promise<void> {
    this.#isBusy = true
    this.#busySinceMs = this.postgres.timeline.nowMs
    this.#isUnreplicated = false
    let timeout: Scheduled | undefined
    if (this.statementTimeoutMs > 0) {
      timeout = this.after(this.statementTimeoutMs, () => this.cancel(new SqlError('57014', 'canceling statement due to statement timeout')))
    }
    try {
      const result = await this.#execute(text, values, fault)
      timeout?.cancel()
      if (!this.#isExplicit) await this.#commit()
      if (this.#isEnded) return
      if (this.#death !== undefined) return this.#end(this.postgres.random.chance(0.5) ? this.#death : undefined)
      this.#isBusy = false
      reply({ kind: 'rows', result, isUnreplicated: this.#isUnreplicated })
    } catch (error) {
      timeout?.cancel()
      if (!(error instanceof SqlError)) throw error
      if (this.#isEnded) return
      this.#rollback()
      if (error.severity === 'FATAL') return this.#end(error)
      this.#isBusy = false
      reply({ kind: 'error', error })
    }
    if (this.#isClientGone) this.#end(undefined)
  }

  begin(isSnapshot: boolean): void {
    this.#isExplicit = true
    this.#isSnapshot = isSnapshot
  }

  /** Of an explicit transaction; it is over when this resolves. */
  endTransaction(isCommit: boolean): void {
    if (!isCommit || this.#isFailed) this.#rollback()
    this.#isExplicit = false
    this.#isFailed = false
    this.#isSnapshot = false
  }

  /** Waits for a lock of the transaction. */
  async lock(name: string, mode: LockMode): Promise<void> {
    const { locks, counters } = this.postgres
    if (locks.tryTake(name, mode, this, 'transaction')) return
    counters.add(`wait for lock ${name.split(' ', 1)[0]}`)
    let timeout: Scheduled | undefined
    await this.#wait((done, fail) => {
      const giveUp = locks.wait(name, mode, this, done)
      if (this.lockTimeoutMs > 0) {
        timeout = this.after(this.lockTimeoutMs, () => fail(new SqlError('55P03', 'canceling statement due to lock timeout')))
      }
      return giveUp
    })
    timeout?.cancel()
  }

  pause(ms: number): Promise<void> {
    return this.#wait((done) => {
      const scheduled = this.after(ms, done)
      return () => scheduled.cancel()
    })
  }

  /** Until another transaction has ended. */
  waitForEndOf(other: Transaction): Promise<void> {
    this.postgres.counters.add('wait for a row of another transaction')
    return this.#wait((done) => {
      other.onEnd(() => this.after(0, done))
      return () => {}
    })
  }

  mayWrite(): void {
    if (this.postgres.isReadOnly) throw new SqlError('25006', 'cannot execute INSERT in a read-only transaction')
    if (this.postgres.isDiskFull) throw new SqlError('53100', 'could not extend file: No space left on device')
  }

  /** pg_terminate_backend. */
  terminate(): void {
    if (this.#isEnded) return
    if (this.#transaction?.epochSeen !== undefined) this.postgres.counters.add('session ended during a batch')
    if (!this.#isBusy && this.#interrupt === undefined) {
      this.#rollback()
      this.#end(terminated())
    } else if (this.#interrupt === undefined) this.#death = terminated()
    else this.#interrupt(terminated())
  }

  /** pg_cancel_backend, or a time limit. */
  cancel(error: SqlError): void {
    this.#interrupt?.(error)
  }

  /** Nobody will read what is answered: noticed when the statement under way is over. */
  clientGone(): void {
    if (this.#isEnded) return
    this.#isClientGone = true
    if (this.#isBusy) return
    this.#rollback()
    this.#end(undefined)
  }

  /** The server is gone, and this process with it. */
  vanish(): void {
    if (this.#isEnded) return
    const transaction = this.#transaction
    if (transaction !== undefined && transaction.state === 'running' && transaction.logPosition === 0) transaction.takeBack()
    this.#end(undefined)
  }

  async #execute(text: string, values: readonly unknown[], fault: ServerFault): Promise<QueryResult> {
    const procedure = procedureFor(text)
    if (this.#isFailed && !/^(commit|rollback)$/.test(text)) {
      throw new SqlError('25P02', 'current transaction is aborted, commands ignored until end of transaction block')
    }
    this.#transaction ??= new Transaction(this.wallMs())
    await this.pause(this.postgres.random.skewed(0.03, 1))
    if (this.#isSnapshot && this.#transaction.snapshot === undefined && text !== 'commit') {
      this.#transaction.snapshot = this.postgres.commitSequence
    }
    if (fault.error !== undefined) throw fault.error
    const result = await procedure(this, values, text)
    if (fault.isKilled === true) throw terminated()
    if (fault.stuckMs !== undefined) await this.pause(fault.stuckMs)
    return result
  }

  async #commit(): Promise<void> {
    const { postgres } = this
    const transaction = this.#transaction
    // Taken back: the end of an explicit transaction that had failed.
    if (transaction === undefined) return
    if (transaction.hasWritten) {
      postgres.log.append(transaction)
      await new Promise<void>((done) => {
        const later = (): void => void this.after(0, () => {
          this.#interrupt = undefined
          done()
        })
        const stop = postgres.log.whenKept(transaction.logPosition, later)
        if (postgres.isReplicated) this.#interrupt = (error) => {
          stop()
          this.#isUnreplicated = true
          postgres.counters.add('wait for the standby cut short')
          if (error.severity === 'FATAL') this.#death = error
          later()
        }
      })
      this.#checkEpoch(transaction)
      if (this.#isClientGone) postgres.counters.add('commit after its client was gone')
    }
    transaction.becomeVisible(++postgres.commitSequence, postgres.timeline.nowMs)
    this.#transaction = undefined
    postgres.locks.release(this, 'transaction')
  }

  /** What the fence is for: no batch of an old epoch is seen to commit after the epoch was raised. */
  #checkEpoch({ epochSeen }: Transaction): void {
    if (epochSeen === undefined) return
    const { reader, snapshot } = this.postgres.observe()
    const { epoch } = this.postgres.lease.read(reader, snapshot)
    if (String(epoch) !== epochSeen) {
      this.postgres.onViolation(`G10: a batch of epoch ${epochSeen} committed in epoch ${epoch}`)
    }
  }

  #rollback(): void {
    this.#isFailed = this.#isExplicit
    const transaction = this.#transaction
    this.#transaction = undefined
    if (transaction?.state === 'running') transaction.takeBack()
    this.postgres.locks.release(this, 'transaction')
  }

  #end(error: SqlError | undefined): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#interrupt = undefined
    this.#abandon()
    this.postgres.backends.delete(this)
    this.postgres.locks.release(this, 'all')
    this.onGone(error)
  }

  /** A wait that can be interrupted. Whoever waited for something that came too late never hears of it. */
  async #wait(begin: (done: () => void, fail: (error: SqlError) => void) => () => void): Promise<void> {
    if (this.#death !== undefined) throw this.#death
    await new Promise<void>((resolve, reject) => {
      let isOver = false
      const finish = (settle: () => void) => (): void => {
        if (isOver) return
        isOver = true
        this.#interrupt = undefined
        settle()
      }
      const fail = (error: SqlError): void => {
        stop()
        finish(() => reject(error))()
      }
      this.#interrupt = fail
      const stop = begin(finish(resolve), fail)
      this.#abandon = stop
    })
    if (this.#isEnded) await new Promise(() => {})
  }
}
