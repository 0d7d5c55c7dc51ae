import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'

/** Sync, the five bytes that end a batch and let the server commit it. */
const SYNC = Buffer.from([0x53, 0, 0, 0, 4])

/**
 * Stands between a session and PostgreSQL and breaks things on purpose:
 * - `swallowAnswers`: what the server says is dropped, the connection stays open;
 * - `swallowSync`: the next Sync never arrives, so the server waits inside the transaction;
 * - `refuse`: new connections are closed at once;
 * - `cut()`: all connections are reset.
 */
export class TcpProxy {
  swallowAnswers = false
  swallowSync = false
  refuse = false
  target: { host: string, port: number }
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #onServerData: (() => void) | undefined

  constructor(databaseUrl: string) {
    const { hostname, port } = new URL(databaseUrl)
    this.target = { host: hostname, port: Number(port === '' ? 5432 : port) }
    this.#server = createServer((client) => this.#pipe(client))
  }

  async listen(): Promise<void> {
    await new Promise<void>((done) => {
      this.#server.listen(0, '127.0.0.1', done)
    })
  }

  /** The URL that leads through the proxy. */
  through(databaseUrl: string): string {
    const url = new URL(databaseUrl)
    url.hostname = '127.0.0.1'
    url.port = String((this.#server.address() as AddressInfo).port)
    return url.href
  }

  /** Resolves at the next data from a server, whether it is passed on or swallowed. */
  nextAnswer(): Promise<void> {
    return new Promise((done) => {
      this.#onServerData = done
    })
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((done) => {
      this.#server.close(done)
    })
  }

  #pipe(client: Socket): void {
    if (this.refuse) {
      client.destroy()
      return
    }
    const server = connect(this.target.port, this.target.host)
    // The server must not notice what became of a client whose Sync was swallowed.
    let isStuck = false
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        this.#sockets.delete(socket)
        if (!isStuck) other.destroy()
      })
    }
    client.on('data', (data: Buffer) => {
      const isBatch = this.swallowSync && data.subarray(-SYNC.length).equals(SYNC)
      isStuck ||= isBatch
      server.write(isBatch ? data.subarray(0, -SYNC.length) : data)
    })
    server.on('data', (data: Buffer) => {
      if (!this.swallowAnswers) client.write(data)
      this.#onServerData?.()
    })
  }
}
