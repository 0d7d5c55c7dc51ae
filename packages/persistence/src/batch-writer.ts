import { type Batch, halve, newBatch } from './batch.ts'
import type { BatchRow, BatchStatement } from './batch-statement.ts'
import type { BatchWriterOptions, SubmitRefusal, WriterCounts } from './batch-writer-options.ts'
import { type MonotonicClock, processClock } from './clock.ts'
import { reactionTo } from './failure-reaction.ts'
import { FlushBarriers } from './flush-barriers.ts'
import { FENCED_ANSWER, type Outcome, readAnswer } from './outcome.ts'
import { RetryList } from './retry-list.ts'
import { RowQueue } from './row-queue.ts'
import type {
  ConnectionState, StatementFault, StatementPort, StatementRows, StatementValue,
} from './statement-port.ts'
import { type Timer, type Timers, nodeTimers } from './timers.ts'

const TRANSIENT_PAUSE_MS = 5
const DOUBT_PAUSE_MIN_MS = 50
const DOUBT_PAUSE_MAX_MS = 1_000

/**
 * Turns rows into batches: at once when idle, gathering while a batch is in flight; no timer on the way.
 *
 *     submit -> queued -> in flight -- answer ---------------------------------> settled, row by row
 *                 |          |-- definite error -----------------------------> settled `aborted`
 *                 |          |-- a row refused (22, 23) --> halves --> ... --> that row `poisoned`
 *                 |          |-- in doubt, or an answer that is none --> the same batch again, until there is an answer about each row
 *                 |-- outage longer than `unavailableAfterMs` ---------------> settled `aborted`
 *
 * A batch in doubt is never settled by an error of a later sending: that error speaks of the later
 * one only. All calls belong to the thread of the session.
 */
export class BatchWriter<Row extends BatchRow> {
  readonly #statement: BatchStatement<Row>
  readonly #session: StatementPort
  readonly #epoch: string
  readonly #batchRowsMax: number
  readonly #unavailableAfterMs: number
  readonly #onFenced: (() => void) | undefined
  readonly #clock: MonotonicClock
  readonly #timers: Timers
  readonly #queue: RowQueue<Row>
  readonly #unsubscribe: () => void
  readonly #turn: { name: string, text: string, encode: () => readonly StatementValue[] }

  readonly #retries = new RetryList<Row>()
  readonly #barriers = new FlushBarriers()
  #inFlight: Batch<Row> | undefined
  /** A statement of ours is with the session, in flight or waiting for its turn. */
  #hasTurn = false
  #isDeferred = false
  #wake: Timer | undefined
  #outage: Timer | undefined
  #closedFor: SubmitRefusal | undefined
  #isFenced = false
  #isDraining = false
  #isUnavailable = false
  /** Rows ever taken out of the queue; the sequence of the queue's oldest row. */
  #takenCount = 0
  #batchCount = 0
  #settledCount = 0
  #resolveCount = 0
  #lastError: Error | undefined

  constructor(options: BatchWriterOptions, statement: BatchStatement<Row>) {
    this.#statement = statement
    this.#session = options.session
    if (!Number.isSafeInteger(options.epoch)) throw new RangeError('epoch must be a safe integer')
    this.#epoch = String(options.epoch)
    this.#batchRowsMax = options.batchRowsMax ?? 512
    if (!(Number.isSafeInteger(this.#batchRowsMax) && this.#batchRowsMax > 0)) {
      throw new RangeError('batchRowsMax must be a positive integer')
    }
    this.#queue = new RowQueue(options.queueRowsMax ?? 8_192)
    this.#unavailableAfterMs = options.unavailableAfterMs ?? 1_000
    this.#onFenced = options.onFenced
    this.#clock = options.clock ?? processClock
    this.#timers = options.timers ?? nodeTimers
    this.#turn = { name: statement.name, text: statement.text, encode: () => this.#takeBatch() }
    this.#unsubscribe = this.#session.subscribe((state) => this.#onState(state))
    this.#onState(this.#session.state)
  }

  /** Takes a row in, or says no before anything has changed. Never settles a row by itself. */
  submit(row: Row): boolean {
    if (this.#closedFor !== undefined || this.#isFull()) return false
    this.#queue.push(row, this.#clock.nowMs())
    this.#requestSoon()
    return true
  }

  isAccepting(): boolean {
    return this.refusal() === undefined
  }

  /** Why `submit` would say no now; undefined when it would take a row. */
  refusal(): SubmitRefusal | undefined {
    return this.#closedFor ?? (this.#isFull() ? 'overloaded' : undefined)
  }

  /** Resolves when every row submitted before has settled. */
  flushed(): Promise<void> {
    const flushed = this.#barriers.wait(this.#takenCount + this.#queue.length)
    this.#releaseBarriers()
    return flushed
  }

  /** Refuses new rows, waits until all accepted ones have settled, then lets go of the session. */
  async close(): Promise<void> {
    this.#isDraining = true
    this.#updateRefusal()
    await this.flushed()
    this.#unsubscribe()
    this.#wake?.cancel()
    this.#outage?.cancel()
  }

  counts(): WriterCounts {
    return {
      batches: this.#batchCount,
      rowsSettled: this.#settledCount,
      rowsQueued: this.#queue.length,
      rowsInFlight: this.#inFlight?.rows.length ?? 0,
      rowsRetrying: this.#retries.rowCount,
      resolves: this.#resolveCount,
      lastError: this.#lastError,
      oldestQueuedAtMs: this.#queue.oldestQueuedAtMs,
    }
  }

  #isFull(): boolean {
    return this.#queue.length + this.#retries.rowCount >= this.#queue.capacity
  }

  #updateRefusal(): void {
    this.#closedFor = this.#isFenced ? 'fenced' : this.#isDraining ? 'draining'
      : this.#isUnavailable ? 'storage_unavailable' : undefined
  }

  /** All requests parsed in this turn of the loop share the batch. */
  #requestSoon(): void {
    if (this.#isDeferred || this.#hasTurn) return
    this.#isDeferred = true
    this.#timers.defer(() => {
      this.#isDeferred = false
      this.#request()
    })
  }

  #request(): void {
    if (this.#hasTurn || this.#session.state.status !== 'connected') return
    if (this.#queue.length === 0 && !this.#isRetryDue()) return
    this.#hasTurn = true
    this.#session.execute(this.#turn, (failure, rows) => this.#onResult(failure, rows))
  }

  #isRetryDue(): boolean {
    const waitMs = this.#retries.earliestMs() - this.#clock.nowMs()
    if (waitMs <= 0) return true
    this.#wake?.cancel()
    if (waitMs < Infinity) this.#wake = this.#timers.after(Math.ceil(waitMs), () => this.#request())
    return false
  }

  /** The session has a free connection: choose the rows. */
  #takeBatch(): readonly StatementValue[] {
    let batch = this.#retries.takeReady(this.#clock.nowMs())
    if (batch === undefined) {
      batch = newBatch(this.#queue.take(this.#batchRowsMax), this.#takenCount)
      this.#takenCount += batch.rows.length
    } else if (batch.isDoubtful) this.#resolveCount += 1
    batch.attemptCount += 1
    this.#inFlight = batch
    return this.#statement.encode(this.#epoch, batch.rows, batch.isAgain)
  }

  #onResult(failure: StatementFault | undefined, rows: StatementRows): void {
    const batch = this.#inFlight
    this.#inFlight = undefined
    this.#hasTurn = false
    if (failure !== undefined) this.#lastError = failure.error
    // Never sent: its rows are still where they were, and the next connection asks for them.
    if (batch === undefined) return
    if (failure !== undefined) {
      this.#onFailure(batch, failure)
      this.#request()
      return
    }
    this.#batchCount += 1
    const answer = rows[0]?.[0]
    if (answer === FENCED_ANSWER) {
      this.#fence(batch)
    } else {
      // The next batch travels while this thread settles the last one.
      this.#request()
      this.#settleAnswered(batch, answer)
    }
  }

  #settleAnswered(batch: Batch<Row>, answer: unknown): void {
    const outcomeOf = readAnswer(answer, batch.rows.length)
    if (outcomeOf !== undefined) return this.#settle(batch.rows, outcomeOf)
    // It may have been written all the same: only an answer about each row ends that.
    this.#lastError = new Error(`${this.#statement.name} gave no answer`)
    this.#onFailure(batch, { delivery: 'unanswered', sqlState: undefined, error: this.#lastError })
    this.#request()
  }

  #onFailure(batch: Batch<Row>, failure: StatementFault): void {
    const reaction = reactionTo(failure, batch)
    if (reaction === 'look') {
      batch.isAgain = true
      this.#retry(batch, 0)
    } else if (reaction === 'halve') {
      for (const half of halve(batch)) this.#retry(half, 0)
    } else if (reaction === 'resolve') {
      batch.isDoubtful = true
      batch.isAgain = true
      // Without a connection the session's own back-off is the pause.
      const isLost = this.#session.state.status !== 'connected'
      const pauseMs = DOUBT_PAUSE_MIN_MS * 2 ** Math.min(16, batch.attemptCount - 1)
      this.#retry(batch, isLost ? 0 : Math.min(DOUBT_PAUSE_MAX_MS, pauseMs))
    } else if (reaction === 'retry') {
      this.#retry(batch, TRANSIENT_PAUSE_MS * batch.attemptCount)
    } else {
      this.#settle(batch.rows, () => (reaction === 'poison' ? 'poisoned' : 'aborted'))
    }
    // Closed for good, nobody will ever answer.
    if (this.#session.state.status === 'closed') this.#giveUp()
  }

  #retry(batch: Batch<Row>, pauseMs: number): void {
    batch.notBeforeMs = pauseMs === 0 ? 0 : this.#clock.nowMs() + pauseMs
    this.#retries.add(batch)
  }

  #onState(state: ConnectionState): void {
    this.#outage?.cancel()
    this.#isUnavailable = false
    if (state.status === 'connected') {
      this.#requestSoon()
    } else if (state.status === 'closed') {
      this.#isDraining = true
      this.#giveUp()
    } else {
      const leftMs = state.sinceMs + this.#unavailableAfterMs - this.#clock.nowMs()
      if (leftMs <= 0) this.#onOutage()
      else this.#outage = this.#timers.after(Math.ceil(leftMs), () => this.#onOutage())
    }
    this.#updateRefusal()
  }

  #onOutage(): void {
    this.#isUnavailable = true
    this.#updateRefusal()
    for (const batch of this.#retries.takeWhere(({ isDoubtful }) => !isDoubtful)) {
      this.#settle(batch.rows, () => 'aborted')
    }
    this.#settleQueue('aborted')
  }

  #fence(batch: Batch<Row>): void {
    this.#isFenced = true
    this.#updateRefusal()
    this.#onFenced?.()
    this.#settle(batch.rows, () => 'fenced')
    for (const other of this.#retries.takeWhere(() => true)) this.#settle(other.rows, () => 'fenced')
    this.#settleQueue('fenced')
  }

  #giveUp(): void {
    for (const batch of this.#retries.takeWhere(() => true)) {
      this.#settle(batch.rows, () => (batch.isDoubtful ? 'unresolved' : 'aborted'))
    }
    this.#settleQueue('aborted')
  }

  #settleQueue(outcome: Outcome): void {
    const rows = this.#queue.take(this.#queue.length)
    this.#takenCount += rows.length
    this.#settle(rows, () => outcome)
  }

  #settle(rows: readonly Row[], outcomeOf: (index: number) => Outcome): void {
    this.#settledCount += rows.length
    for (const [index, row] of rows.entries()) {
      try {
        row.settle(outcomeOf(index))
      } catch (error) {
        // A bug of the caller: its neighbours must hear their outcome, and the bug must not be hidden.
        queueMicrotask(() => {
          throw error
        })
      }
    }
    this.#releaseBarriers()
  }

  #releaseBarriers(): void {
    if (this.#barriers.isEmpty) return
    const inFlight = this.#inFlight?.firstSequence ?? Infinity
    this.#barriers.release(Math.min(this.#takenCount, inFlight, this.#retries.oldestSequence()))
  }
}
