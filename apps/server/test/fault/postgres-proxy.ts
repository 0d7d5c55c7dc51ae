import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { boundStatement, type WireMessage, WireMessages } from './wire-messages.ts'

/**
 * Where a batch is cut off:
 * - `before_bind`: nothing of its Bind reaches PostgreSQL;
 * - `inside_execute`: PostgreSQL gets half of the Execute, and then the end of the connection;
 * - `after_sync`: PostgreSQL gets all of it, the server no word of an answer, and whether the commit comes before
 *   or after the resend is left to chance;
 * - `answer_swallowed`: the commit has happened, its answer is lost;
 * - `before_ready`: the rows and CommandComplete are passed on, ReadyForQuery is not.
 */
export const CUT_POINTS = ['before_bind', 'inside_execute', 'after_sync', 'answer_swallowed', 'before_ready'] as const
export type CutPoint = (typeof CUT_POINTS)[number]

export interface CutPlan {
  readonly at: CutPoint
  /** Text in the name of the batch's statement. */
  readonly batch: string
  /** Every so many such batches. */
  readonly every: number
  readonly timesMax: number
  /** How the server is told: a reset, or an orderly end of the connection. */
  readonly how: 'reset' | 'end'
}

/**
 * Stands between the server and PostgreSQL, knows where messages begin and end, and breaks connections where it is
 * told to. Counts what it did, so that a test can insist that the fault happened.
 */
export class PostgresProxy {
  /** Where new connections lead. */
  target: { host: string; port: number }
  /** New connections are closed at once. */
  isRefusing = false
  /**
   * Connections keep still from the next batch on whose statement has this in its name: nothing passes either way and nobody
   * is told.
   */
  halfOpenAt: string | undefined
  /** What PostgreSQL says is passed on so much later. */
  delayMs = 0
  cuts = 0
  /** Batches seen. */
  batches = 0
  #plan: CutPlan | undefined
  #planned = 0
  readonly #url: URL
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(databaseUrl: string) {
    this.#url = new URL(databaseUrl)
    this.target = { host: this.#url.hostname, port: Number(this.#url.port === '' ? 5432 : this.#url.port) }
    this.#server = createServer((client) => this.#join(client))
  }

  static async before(databaseUrl: string): Promise<PostgresProxy> {
    const proxy = new PostgresProxy(databaseUrl)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  /** The database's URL, through here. */
  get url(): string {
    const url = new URL(this.#url)
    url.hostname = '127.0.0.1'
    url.port = String((this.#server.address() as AddressInfo).port)
    return url.href
  }

  cut(plan: CutPlan): void {
    this.#plan = plan
    this.#planned = 0
  }

  /** Resets every connection there is. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async close(): Promise<void> {
    this.reset()
    await new Promise((resolve) => { this.#server.close(resolve) })
  }

  /** Where the batch that begins now is to be cut. */
  due(statement: string): CutPlan | undefined {
    if (!statement.startsWith('megacache_record_')) return undefined
    this.batches++
    const plan = this.#plan
    if (plan === undefined || this.cuts >= plan.timesMax || !statement.includes(plan.batch)) return undefined
    return ++this.#planned % plan.every === 0 ? plan : undefined
  }

  #join(client: Socket): void {
    if (this.isRefusing) return void client.resetAndDestroy()
    const server = connect(this.target.port, this.target.host)
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    }
    Link.between(this, client, server)
  }
}

/** How long PostgreSQL may go on with a batch whose sender is gone. */
const ORPHAN_MS = 100

/** One connection of the server, and the one to PostgreSQL that belongs to it. */
class Link {
  readonly #proxy: PostgresProxy
  readonly #client: Socket
  readonly #server: Socket
  #cut: CutPlan | undefined
  #wentStill = false
  #isCut = false

  private constructor(proxy: PostgresProxy, client: Socket, server: Socket) {
    this.#proxy = proxy
    this.#client = client
    this.#server = server
  }

  static between(proxy: PostgresProxy, client: Socket, server: Socket): void {
    new Link(proxy, client, server).#listen()
  }

  get #isStill(): boolean {
    return this.#proxy.halfOpenAt !== undefined && this.#wentStill
  }

  #listen(): void {
    const [proxy, client, server] = [this.#proxy, this.#client, this.#server]
    const fromClient = new WireMessages('client')
    const fromServer = new WireMessages('server')
    client.on('data', (data: Buffer) => {
      for (const message of fromClient.take(data)) this.#toServer(message)
    })
    server.on('data', (data: Buffer) => {
      if (proxy.delayMs > 0) setTimeout(() => this.#answer(fromServer.take(data)), proxy.delayMs)
      else this.#answer(fromServer.take(data))
    })
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      socket.on('error', () => this.#mayEnd(other))
      socket.on('close', () => this.#mayEnd(other))
    }
  }

  #mayEnd(other: Socket): void {
    if (!this.#isCut) other.destroy()
  }

  #toServer(message: WireMessage): void {
    if (this.#isCut) return
    if (message.type === 'B') {
      const statement = boundStatement(message)
      const { halfOpenAt } = this.#proxy
      this.#wentStill ||= halfOpenAt !== undefined && statement.startsWith('megacache_record_') && statement.includes(halfOpenAt)
      this.#cut = this.#proxy.due(statement)
    }
    if (this.#isStill) return
    const { type, bytes } = message
    const at = this.#cut?.at
    if (at === 'before_bind') return this.#end(0)
    if (at === 'inside_execute' && type === 'E') {
      this.#server.write(bytes.subarray(0, bytes.length >>> 1))
      return this.#end(0)
    }
    this.#server.write(bytes)
    if (at === 'after_sync' && type === 'S') this.#end(ORPHAN_MS)
  }

  #answer(messages: readonly WireMessage[]): void {
    for (const { type, bytes } of messages) {
      if (this.#isCut || this.#isStill) return
      const at = this.#cut?.at
      // An error is an answer of another kind: it is not what this plan is about.
      if (type === 'E') this.#cut = undefined
      else if (at === 'answer_swallowed') {
        if (type === 'Z') this.#end(0)
        continue
      } else if (at === 'before_ready' && type === 'Z') return this.#end(0)
      this.#client.write(bytes)
    }
  }

  /** Ends the server's side now and PostgreSQL's side a moment later. */
  #end(orphanMs: number): void {
    this.#isCut = true
    this.#proxy.cuts++
    if (this.#cut?.how === 'end') this.#client.end()
    else this.#client.resetAndDestroy()
    this.#client.on('data', () => {})
    if (orphanMs === 0) this.#server.destroy()
    else setTimeout(() => this.#server.destroy(), orphanMs)
  }
}
