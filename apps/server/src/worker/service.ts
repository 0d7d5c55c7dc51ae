import { CancelWriter, CheckoutWriter, createSession, PurchaseWriter, type Session } from '@megacache/persistence'
import { errorReason } from '../error-reason.ts'
import type { Responder } from '../http/respond.ts'
import type { InstanceBoard } from '../instance-board.ts'
import { RareQueries } from '../rare-queries.ts'
import { SteadyTime } from '../steady-time.ts'
import type { Activation, Report, ThreadMetrics, ThreadSettings, WriterMetrics } from '../thread-messages.ts'
import { Attempts } from './attempts.ts'
import { Deadlines } from './deadlines.ts'
import { DurableReads } from './durable-reads.ts'
import { SaleShelf } from './sale-shelf.ts'
import type { ThreadContext } from './thread-context.ts'
import { WaitingRoom } from './waiting-room.ts'

/** How long the first connection to the database may take: as long as the supervisor waits, who then says that the start was too slow. */
const CONNECT_MS_MAX = 30_000
const SETTLED_CHECK_MS = 20
/** A look-up's client waits five seconds. Longer it would only keep the thread from its end. */
const LOOK_UP_MS_MAX = 6_000

/** What a request thread needs to serve, from the moment its instance has the lease. */
export class Service {
  readonly context: ThreadContext
  readonly #session: Session
  readonly #queries: RareQueries
  #lostSinceMs: number | undefined

  constructor(
    settings: ThreadSettings, activation: Activation, board: InstanceBoard, responder: Responder,
    report: (report: Report) => void,
  ) {
    const { instanceId, threadNumber } = settings
    const { epoch, connection } = activation
    const applicationName = `megacache/${epoch}/${instanceId}/${threadNumber}`
    this.#session = createSession({ connection, applicationName })
    this.#queries = new RareQueries(connection, applicationName, 1, LOOK_UP_MS_MAX)
    const time = new SteadyTime()
    const writing = { session: this.#session, epoch }
    this.context = {
      instanceId,
      epoch,
      board,
      // What is told of an expiry is what is stored: on the database's clock, not on this machine's, which may be set.
      shelf: new SaleShelf(board, {
        monotonicMs: () => time.monotonicMs(),
        wallMs: () => time.monotonicMs() + this.context.clockOffsetMs,
      }),
      responder,
      deadlines: new Deadlines(),
      waitingRoom: new WaitingRoom(),
      checkouts: new CheckoutWriter(writing),
      purchases: new PurchaseWriter(writing),
      cancels: new CancelWriter(writing),
      reads: new DurableReads(this.#queries),
      attempts: settings.attemptLog ? new Attempts(connection, applicationName, () => time.monotonicMs() + this.context.clockOffsetMs) : undefined,
      clockOffsetMs: activation.clockOffsetMs,
      scheduleOffsetMs: activation.scheduleOffsetMs,
      connectionLostSinceMs: () => this.#lostSinceMs,
      isActive: () => time.monotonicMs() < board.heldUntilMs,
      mayAcknowledge: () => time.monotonicMs() < board.provenUntilMs,
      unprovenForMs: () => time.monotonicMs() - board.heldUntilMs,
      wallMs: () => time.monotonicMs() + this.context.scheduleOffsetMs,
      fail: (kind, message) => report(kind === 'fenced' ? { kind } : { kind, message }),
    }
    for (const sale of activation.sales) this.context.shelf.put(sale)
    this.#session.subscribe((state) => {
      this.#lostSinceMs = state.status === 'connected' ? undefined : this.#lostSinceMs ?? Date.now()
      const { lastError } = this.#session
      report({
        kind: 'log',
        level: state.status === 'lost' ? 'warn' : 'info',
        message: `database connection ${state.status}`,
        fields: { threadNumber, ...(state.status === 'lost' && lastError ? { error: errorReason(lastError) } : {}) },
      })
    })
  }

  connected(): Promise<void> {
    return this.#session.connected(CONNECT_MS_MAX)
  }

  /** Requests that have no answer yet. */
  get waiting(): number {
    const { checkouts, purchases, cancels, waitingRoom, reads } = this.context
    return waitingRoom.size + reads.unansweredCount + [checkouts, purchases, cancels].reduce((sum, writer) => sum + waitingRows(writer), 0)
  }

  /** Makes durable and answers what has been accepted, look-ups too, then lets go of the database. */
  async close(): Promise<void> {
    const { checkouts, purchases, cancels, deadlines, waitingRoom, reads, attempts } = this.context
    // Those who wait for another request's outcome may still begin a purchase or a look-up. Their deadline bounds the wait.
    await isZero(() => waitingRoom.size)
    await Promise.all([checkouts.close(), purchases.close(), cancels.close(), attempts?.close()])
    await isZero(() => reads.unansweredCount)
    waitingRoom.stop()
    deadlines.stop()
    await Promise.all([this.#session.close(), this.#queries.close()])
  }

  metrics(): Omit<ThreadMetrics, 'answersByStatus' | 'problemsByReason' | 'connections' | 'peers'> {
    const { checkouts, purchases, cancels, attempts } = this.context
    return {
      attemptsDropped: attempts?.dropped ?? 0,
      storageAvailable: this.#session.state.status === 'connected',
      writers: { checkout: writerMetrics(checkouts), purchase: writerMetrics(purchases), cancel: writerMetrics(cancels) },
    }
  }
}

/** Resolves when the count is zero at one of its looks. */
async function isZero(count: () => number): Promise<void> {
  while (count() > 0) await new Promise((resolve) => { setTimeout(resolve, SETTLED_CHECK_MS) })
}

type AnyWriter = CheckoutWriter | PurchaseWriter | CancelWriter

function waitingRows(writer: AnyWriter): number {
  const { rowsQueued, rowsInFlight, rowsRetrying } = writer.counts()
  return rowsQueued + rowsInFlight + rowsRetrying
}

function writerMetrics(writer: AnyWriter): WriterMetrics {
  const { batches, rowsSettled, resolves } = writer.counts()
  return { batches, rowsSettled, rowsWaiting: waitingRows(writer), resolves }
}
