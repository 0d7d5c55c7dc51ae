import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type Cut, CutPlan } from './cut-points.ts'
import { ProxiedConnection, type ProxyFaults } from './proxied-connection.ts'

/**
 * Stands between the server and PostgreSQL, knows where messages begin and end, and breaks connections where it is
 * told to. Keeps what it did, so that a test can insist that the fault happened.
 */
export class PostgresProxy implements ProxyFaults {
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
  plan = new CutPlan([])
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

  /** Forgets other cuts. */
  cut(cuts: readonly Cut[]): CutPlan {
    this.plan = new CutPlan(cuts)
    return this.plan
  }

  /** Resets every connection there is. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async close(): Promise<void> {
    this.reset()
    await new Promise((resolve) => { this.#server.close(resolve) })
  }

  #join(client: Socket): void {
    if (this.isRefusing) return void client.resetAndDestroy()
    const server = connect(this.target.port, this.target.host)
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    }
    ProxiedConnection.between(this, client, server)
  }
}
