import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import net from 'node:net'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { createPublicServer } from '../http/public-server.ts'
import { problems } from '../http/problem.ts'
import { Responder } from '../http/respond.ts'
import { route } from '../http/router.ts'
import { answerUnready } from '../http/unready-route.ts'
import { InstanceBoard } from '../instance-board.ts'
import type { Activation, Order, Report, ThreadMetrics, ThreadSettings } from '../thread-messages.ts'
import { Forwarding } from './forwarding.ts'
import { Parking, type Serve } from './parking.ts'
import { Service } from './service.ts'

const BACKLOG = 4_096
/** A thread that drains looks this often whether it is idle. */
const IDLE_CHECK_MS = 50
/** No request for so long while draining means that clients have moved on. */
const IDLE_FOR_MS = 300

/**
 * One request thread: a listener on the shared port, its own connection to the database, and its view of the
 * sales. It is told everything by the supervisor, and ends only with the process.
 *
 * ```text
 *   loaded --activate, open--> serving --stopListening--> deaf --drain--> draining --quiet, or grace over--> flushing --> drained
 *     | listening: buffered       ^                        | |
 *     |                           +------- listen ---------+ +--handOver--> handing over --flushed--> passing on --> drained
 * ```
 *
 * | | serving, deaf | draining, flushing | handing over, passing on |
 * | --- | --- | --- | --- |
 * | a new connection | accepted; deaf: the successor's, or refused | refused | the successor's |
 * | a request on an open connection | served | served; a write that comes while it flushes: 503 `draining` | the successor's answer, or 503 |
 * | a request in flight | answered | answered before the thread ends | answered before the lease is released |
 * | a pipelined follower of an answer that says close | - | not carried out (RFC 9112 section 9.6) | not passed on |
 * | an answer | the connection stays | the last one of its connection says close | the last one of its connection says close |
 * | a request that waits for another's outcome | answered | answered, at its deadline at the latest | the same |
 * | a pending look-up | answered | answered, at its deadline at the latest | the same |
 * | a log line | sent to the main thread, which never waits for a reader | the same | the same |
 *
 * Drained before it is opened, it answers what is buffered, and all that still comes, with 503 `draining`.
 *
 * Fail-stop has no state here: supervisor/fail-stop.ts marks the board that each answer looks at, and ends the thread where it is.
 */
class RequestThread {
  readonly #port: MessagePort
  readonly #settings: ThreadSettings
  readonly #board: InstanceBoard
  readonly #responder = new Responder()
  readonly #parking = new Parking(this.#responder)
  readonly #server: Server
  #serve: Serve
  #service: Service | undefined
  #forwarding: Forwarding | undefined
  #connectionCount = 0
  #isOpen = false

  constructor(port: MessagePort, settings: ThreadSettings) {
    this.#port = port
    this.#settings = settings
    this.#board = new InstanceBoard(settings.board)
    this.#serve = (request, response) => this.#serveUnready(request, response)
    this.#server = createPublicServer({
      responder: this.#responder,
      serve: (request, response) => this.#serve(request, response),
      fail: (message) => this.#report({ kind: 'broken', message }),
    })
    this.#server.on('connection', (socket) => {
      this.#connectionCount++
      socket.once('close', () => { this.#connectionCount-- })
    })
  }

  start(): void {
    this.#port.on('message', (order: Order) => this.#obey(order))
    this.#report({ kind: 'loaded' })
  }

  #obey(order: Order): void {
    switch (order.kind) {
      case 'activate':
        return void this.#activate(order.activation)
      case 'listen':
        return this.#listen(order.host, order.port, order.reusePort)
      case 'sale':
        this.#service?.context.shelf.put(order.sale)
        return this.#report({ kind: 'saleReady', saleId: order.sale.terms.saleId })
      case 'drop':
        this.#service?.context.shelf.drop(order.saleId)
        return this.#report({ kind: 'saleDropped', saleId: order.saleId })
      case 'clock':
        if (this.#service === undefined) return
        this.#service.context.clockOffsetMs = order.offsetMs
        this.#service.context.scheduleOffsetMs = order.scheduleOffsetMs
        return
      case 'metrics':
        return this.#report({ kind: 'metrics', askedAs: order.askedAs, metrics: this.#metrics() })
      case 'open':
        return this.#open()
      case 'stopListening':
        // `http.Server.close` would cut idle keep-alive connections, and with them requests just written to them.
        net.Server.prototype.close.call(this.#server)
        return this.#report({ kind: 'stoppedListening' })
      case 'drain':
        return void this.#drain(order.graceMs)
      case 'handOver':
        return void this.#handOver(order.host, order.port)
      case 'leave':
        void this.#leave(order.graceMs)
    }
  }

  /** Connects; requests go on waiting until the sale is there too (`open`). */
  async #activate(activation: Activation): Promise<void> {
    const service = new Service(this.#settings, activation, this.#board, this.#responder, (report) => this.#report(report))
    this.#service = service
    try {
      await service.connected()
      this.#report({ kind: 'active' })
    } catch (error) {
      // Told to end meanwhile, it has closed the session itself.
      if (this.#responder.isDraining) return
      this.#report({ kind: 'broken', message: `request thread has no database connection: ${String(error)}` })
    }
  }

  #open(): void {
    const context = this.#service?.context
    if (context === undefined) throw new Error('a request thread was opened before it was activated')
    this.#isOpen = true
    this.#serve = (request, response) => route(context, request, response)
    this.#parking.open(this.#serve)
    this.#report({ kind: 'opened' })
  }

  #serveUnready(request: IncomingMessage, response: ServerResponse): void {
    if (!answerUnready(this.#board, this.#responder, request, response)) this.#parking.park(request, response)
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
   * Ends without cutting anybody off. Nobody listens any more: `Connection: close` on every answer, until no
   * request has come for a while or the grace is over; then what is queued is made durable and answered.
   */
  async #drain(graceMs: number): Promise<void> {
    this.#responder.isDraining = true
    if (!this.#isOpen) {
      this.#serve = (_request, response) => this.#responder.problem(response, problems.draining)
      this.#parking.refuse()
    }
    await this.#quiet(graceMs, IDLE_FOR_MS)
    await this.#service?.close()
    this.#server.closeIdleConnections()
    this.#report({ kind: 'drained' })
  }

  /** From now on the successor answers, also what comes over the connections that are still open here. */
  async #handOver(host: string, port: number): Promise<void> {
    this.#responder.isDraining = true
    const forwarding = new Forwarding(host, port, this.#responder)
    this.#forwarding = forwarding
    this.#serve = (request, response) => forwarding.forward(request, response)
    await this.#service?.close()
    this.#report({ kind: 'handedOver' })
  }

  /**
   * After a hand-over: until every connection is gone, or the grace is over and what was passed on by then is answered,
   * which `Forwarding` bounds.
   */
  async #leave(graceMs: number): Promise<void> {
    await this.#quiet(graceMs, graceMs)
    this.#server.closeIdleConnections()
    while ((this.#forwarding?.open ?? 0) > 0) await new Promise((resolve) => { setTimeout(resolve, IDLE_CHECK_MS) })
    this.#report({ kind: 'drained' })
  }

  /** Resolves when no connection is left, no request came for `quietMs`, or `graceMs` is over. */
  #quiet(graceMs: number, quietMs: number): Promise<void> {
    const { counts } = this.#responder
    const endsAt = performance.now() + graceMs
    let answered = counts.total
    let quietSince = performance.now()
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        const now = performance.now()
        if (counts.total !== answered || (this.#service?.waiting ?? 0) > 0) {
          answered = counts.total
          quietSince = now
        }
        if (this.#connectionCount > 0 && now - quietSince < quietMs && now < endsAt) return
        clearInterval(timer)
        resolve()
      }, IDLE_CHECK_MS)
    })
  }

  #metrics(): ThreadMetrics {
    const { counts } = this.#responder
    return {
      answersByStatus: counts.byStatus(),
      problemsByReason: counts.byReason(),
      connections: this.#connectionCount,
      peers: this.#responder.peers.figures(),
      ...this.#service?.metrics(),
    }
  }

  #report(report: Report): void {
    this.#port.postMessage(report)
  }
}

if (parentPort === null) throw new Error('request-thread.ts runs as a worker thread only')
new RequestThread(parentPort, workerData as ThreadSettings).start()
