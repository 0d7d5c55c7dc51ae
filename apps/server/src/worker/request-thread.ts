import { CancelWriter, CheckoutWriter, createSession, PurchaseWriter, type Session } from '@megacache/persistence'
import type { Server } from 'node:http'
import net from 'node:net'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { createPublicServer } from '../http/public-server.ts'
import { Responder } from '../http/respond.ts'
import { InstanceBoard } from '../instance-board.ts'
import { RareQueries } from '../rare-queries.ts'
import type { Order, Report, ThreadMetrics, ThreadSettings, WriterMetrics } from '../thread-messages.ts'
import { Attempts } from './attempts.ts'
import { Deadlines } from './deadlines.ts'
import { DurableReads } from './durable-reads.ts'
import { SaleShelf } from './sale-shelf.ts'
import type { ThreadContext } from './thread-context.ts'
import { WaitingRoom } from './waiting-room.ts'

/** How long the first connection to the database may take; the supervisor has just had one. */
const CONNECT_MS_MAX = 10_000
const BACKLOG = 4_096
/** A thread that drains looks this often whether it is idle. */
const IDLE_CHECK_MS = 50
/** No request for so long while draining means that clients have moved on. */
const IDLE_FOR_MS = 300

/**
 * One request thread: a listener on the shared port, its own connection to the database, and its view of the
 * sales. It is told everything else by the supervisor, and ends only with the process.
 */
class RequestThread {
  readonly #port: MessagePort
  readonly #session: Session
  readonly #queries: RareQueries
  readonly #context: ThreadContext
  readonly #server: Server
  #connectionCount = 0

  constructor(port: MessagePort, settings: ThreadSettings) {
    this.#port = port
    const board = new InstanceBoard(settings.board)
    const { epoch, instanceId, threadNumber, connection } = settings
    const applicationName = `megacache/${epoch}/${instanceId}/${threadNumber}`
    this.#session = createSession({ connection, applicationName })
    this.#queries = new RareQueries(connection, applicationName, 1)
    const writing = { session: this.#session, epoch }
    this.#context = {
      instanceId,
      epoch,
      board,
      shelf: new SaleShelf(board),
      responder: new Responder(),
      deadlines: new Deadlines(),
      waitingRoom: new WaitingRoom(),
      checkouts: new CheckoutWriter(writing),
      purchases: new PurchaseWriter(writing),
      cancels: new CancelWriter(writing),
      reads: new DurableReads(this.#queries),
      attempts: settings.attemptLog ? new Attempts(connection, applicationName) : undefined,
      clockOffsetMs: settings.clockOffsetMs,
      connectionState: () => this.#session.state.status,
      wallMs: () => Date.now(),
      fail: (kind, message) => this.#report(kind === 'fenced' ? { kind } : { kind, message }),
    }
    for (const sale of settings.sales) this.#context.shelf.put(sale)
    this.#server = createPublicServer(this.#context)
    this.#server.on('connection', (socket) => {
      this.#connectionCount++
      socket.once('close', () => { this.#connectionCount-- })
    })
    this.#port.on('message', (order: Order) => this.#obey(order))
    this.#session.subscribe((state) => {
      const { lastError } = this.#session
      this.#report({
        kind: 'log',
        level: state.status === 'lost' ? 'warn' : 'info',
        message: `database connection ${state.status}`,
        fields: { threadNumber, ...(state.status === 'lost' && lastError ? { error: lastError.message } : {}) },
      })
    })
  }

  async start(): Promise<void> {
    await this.#session.connected(CONNECT_MS_MAX)
    this.#report({ kind: 'ready' })
  }

  #obey(order: Order): void {
    const { shelf } = this.#context
    switch (order.kind) {
      case 'listen':
        return this.#listen(order.host, order.port, order.reusePort)
      case 'sale':
        shelf.put(order.sale)
        return this.#report({ kind: 'saleReady', saleId: order.sale.terms.saleId })
      case 'drop':
        shelf.drop(order.saleId)
        return this.#report({ kind: 'saleDropped', saleId: order.saleId })
      case 'clock':
        this.#context.clockOffsetMs = order.offsetMs
        return
      case 'metrics':
        return this.#report({ kind: 'metrics', askedAs: order.askedAs, metrics: this.#metrics() })
      case 'drain':
        void this.#drain(order.graceMs)
    }
  }

  #listen(host: string, port: number, reusePort: boolean): void {
    const failed = (error: NodeJS.ErrnoException): void => {
      this.#report({ kind: 'listenFailed', code: error.code ?? 'unknown', message: error.message })
    }
    this.#server.once('error', failed)
    this.#server.listen({ host, port, reusePort, backlog: BACKLOG }, () => {
      this.#server.off('error', failed)
      const address = this.#server.address()
      if (typeof address === 'object' && address !== null) this.#report({ kind: 'listening', port: address.port })
    })
  }

  /**
   * Ends without cutting anybody off: no new connections, `Connection: close` on every answer, until no
   * request has come for a while or the grace is over; then what is queued is made durable and answered.
   * `http.Server.close` would cut idle keep-alive connections, and with them requests just written to them.
   */
  async #drain(graceMs: number): Promise<void> {
    const { responder, checkouts, purchases, cancels, deadlines, waitingRoom, attempts } = this.#context
    responder.isDraining = true
    net.Server.prototype.close.call(this.#server)
    await this.#idle(graceMs)
    await Promise.all([checkouts.close(), purchases.close(), cancels.close(), attempts?.close()])
    waitingRoom.stop()
    deadlines.stop()
    this.#server.closeIdleConnections()
    await Promise.all([this.#session.close(), this.#queries.close()])
    this.#report({ kind: 'drained' })
  }

  #idle(graceMs: number): Promise<void> {
    const { responder } = this.#context
    const endsAt = performance.now() + graceMs
    let answered = responder.counts.total
    let quietSince = performance.now()
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        const now = performance.now()
        if (responder.counts.total !== answered || this.#waiting() > 0) {
          answered = responder.counts.total
          quietSince = now
        }
        if (this.#connectionCount > 0 && now - quietSince < IDLE_FOR_MS && now < endsAt) return
        clearInterval(timer)
        resolve()
      }, IDLE_CHECK_MS)
    })
  }

  #waiting(): number {
    const { checkouts, purchases, cancels, waitingRoom } = this.#context
    return waitingRoom.size + [checkouts, purchases, cancels]
      .reduce((sum, writer) => sum + waitingRows(writer), 0)
  }

  #metrics(): ThreadMetrics {
    const { responder, checkouts, purchases, cancels } = this.#context
    return {
      answersByStatus: responder.counts.byStatus(),
      problemsByReason: responder.counts.byReason(),
      connections: this.#connectionCount,
      attemptsDropped: this.#context.attempts?.dropped ?? 0,
      storageAvailable: this.#session.state.status === 'connected',
      writers: { checkout: writerMetrics(checkouts), purchase: writerMetrics(purchases), cancel: writerMetrics(cancels) },
    }
  }

  #report(report: Report): void {
    this.#port.postMessage(report)
  }
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

if (parentPort === null) throw new Error('request-thread.ts runs as a worker thread only')
await new RequestThread(parentPort, workerData as ThreadSettings).start()
