/* oxlint-disable no-underscore-dangle -- the driver's pool reads these names */
import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Script } from 'node:vm'
import type { Reply } from '../postgres/backend.ts'
import { readValue } from '../postgres/binary-values.ts'
import type { SqlError } from '../postgres/sql-error.ts'
import type { Scheduled } from '../world/timeline.ts'
import { DatabaseLink } from './database-network.ts'
import { threadGlobals } from './globals.ts'
import type { SimulatedThread } from './simulated-thread.ts'

export { DatabaseNetwork } from './database-network.ts'

type Callback = (error: Error | null, result?: unknown) => void

interface ClientConfig {
  readonly application_name?: string
  readonly query_timeout?: number
  readonly connectionTimeoutMillis?: number
  readonly stream?: () => SimulatedSocket
}

interface Given {
  readonly text: string
  readonly values?: unknown[]
  readonly rowMode?: string
  readonly query_timeout?: number
}

interface Query {
  readonly text: string
  readonly values: readonly unknown[]
  readonly isArray: boolean
  callback: Callback
  timer: Scheduled | undefined
}

/** A socket as the connection code holds it: it can only be destroyed. */
export class SimulatedSocket extends EventEmitter {
  onDestroy: () => void = () => {}

  destroy(): void {
    this.onDestroy()
  }

  setTimeout(): this {
    return this
  }
}

/** The `Client` of the driver for one thread, with the order of events of pg 8. */
export function clientFor(thread: SimulatedThread): new (config: ClientConfig) => EventEmitter {
  return class extends SimulatedClient {
    constructor(config: ClientConfig) {
      super(thread, config)
    }
  }
}

/** The driver's own pool, on simulated clients and timers. */
export function poolFor(thread: SimulatedThread): unknown {
  const Client = clientFor(thread)
  const Pool = loadPool(thread)
  return class extends Pool {
    constructor(options: object) {
      super(options, Client)
    }
  }
}

type PoolClass = new (options: object, client: unknown) => EventEmitter
type PoolBody = (module: { exports: unknown }, require: (name: string) => unknown, globals: Record<string, unknown>) => void
let poolBody: PoolBody | undefined

function loadPool(thread: SimulatedThread): PoolClass {
  const ours = createRequire(import.meta.url)
  const file = createRequire(ours.resolve('pg')).resolve('pg-pool')
  poolBody ??= new Script(
    `(function (module, require, { setTimeout, clearTimeout, setImmediate, process }) { (function () { ${readFileSync(file, 'utf8')} \n})() })`,
    { filename: file },
  ).runInThisContext() as PoolBody
  const module = { exports: {} as unknown }
  poolBody(module, ours, threadGlobals(thread))
  return module.exports as PoolClass
}

class SimulatedClient extends EventEmitter {
  /** The pool looks at these, and cuts a connection that takes too long to come about. */
  readonly connection: { readonly stream: SimulatedSocket }
  _queryable = true
  _ending = false
  readonly #thread: SimulatedThread
  readonly #config: ClientConfig
  readonly #queue: Query[] = []
  #link: DatabaseLink | undefined
  #active: Query | undefined
  #onConnected: Callback | undefined
  #isReady = false
  #isGone = false

  constructor(thread: SimulatedThread, config: ClientConfig) {
    super()
    this.#thread = thread
    this.#config = config
    const socket = config.stream?.() ?? new SimulatedSocket()
    socket.onDestroy = () => this.#cut()
    this.connection = { stream: socket }
  }

  connect(callback?: Callback): Promise<void> | undefined {
    if (callback === undefined) {
      return new Promise((resolve, reject) => {
        void this.connect((error) => {
          if (error === null) resolve()
          else reject(error)
        })
      })
    }
    const limitMs = this.#config.connectionTimeoutMillis ?? 0
    const timer = limitMs > 0 ? this.#thread.after(limitMs, () => this.#cut()) : undefined
    this.#onConnected = (error) => {
      timer?.cancel()
      callback(error)
    }
    this.#link = new DatabaseLink(this.#thread.process.world.database, this.#thread, {
      connected: () => this.#connected(),
      reply: (reply) => this.#reply(reply),
      ready: () => this.#ready(),
      gone: (error) => this.#gone(error),
    })
    return undefined
  }

  query(config: string | Given, second?: unknown, third?: Callback): Promise<unknown> | undefined {
    const given = typeof config === 'string' ? { text: config, values: Array.isArray(second) ? second : [] } : config
    const callback = typeof second === 'function' ? second as Callback : third
    if (callback === undefined) {
      return new Promise((resolve, reject) => {
        this.#submit(given, (error, result) => {
          if (error === null) resolve(result)
          else reject(error)
        })
      })
    }
    this.#submit(given, callback)
    return undefined
  }

  end(callback?: () => void): Promise<void> | undefined {
    const isOver = this.#isGone || this.#link === undefined
    this._ending = true
    if (this.#active !== undefined || !this._queryable) this.#cut()
    else if (!isOver) {
      this.#link?.close()
      this.#thread.after(0.3, () => this.#gone(undefined))
    }
    const finish = (done: () => void): void => {
      if (this.#isGone || isOver) this.#thread.after(0, done)
      else this.once('end', done)
    }
    if (callback === undefined) return new Promise((resolve) => { finish(resolve) })
    finish(callback)
    return undefined
  }

  ref(): void {}
  unref(): void {}

  #submit(given: Given, callback: Callback): void {
    if (this._ending || !this._queryable) {
      const words = this._ending ? 'Client was closed and is not queryable' : 'Client has encountered a connection error and is not queryable'
      process.nextTick(() => callback(new Error(words)))
      return
    }
    // The driver copies binary values when it sends them; they are read here, while they are what they were.
    const query: Query = {
      text: given.text, values: (given.values ?? []).map(readValue), isArray: given.rowMode === 'array', callback, timer: undefined,
    }
    const limitMs = given.query_timeout ?? this.#config.query_timeout ?? 0
    if (limitMs > 0) {
      query.timer = this.#thread.after(limitMs, () => {
        const { callback: answered } = query
        query.callback = () => {}
        answered(new Error('Query read timeout'))
      })
    }
    this.#queue.push(query)
    this.#pulse()
  }

  #pulse(): void {
    if (!this.#isReady || this.#active !== undefined) return
    this.#active = this.#queue.shift()
    if (this.#active === undefined) {
      this.emit('drain')
      return
    }
    this.#isReady = false
    this.#link?.send(this.#active.text, this.#active.values)
  }

  #connected(): void {
    this.#isReady = true
    void this.query('start-up', [this.#config.application_name ?? ''], (error) => {
      const onConnected = this.#onConnected
      this.#onConnected = undefined
      onConnected?.(error)
      if (error === null) this.emit('connect')
    })
  }

  #reply(reply: Reply): void {
    if (reply.kind === 'error') {
      const query = this.#active
      this.#active = undefined
      query?.timer?.cancel()
      query?.callback(asDriverError(reply.error))
      return
    }
    if (reply.isUnreplicated) this.emit('notice', { routine: 'SyncRepWaitForLSN', severity: 'WARNING' })
    const query = this.#active
    if (query === undefined) return
    const { columns, rows } = reply.result
    const shaped = query.isArray ? rows : rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]])))
    const { callback } = query
    query.timer?.cancel()
    query.callback = (error) => callback(error, error === null ? { rows: shaped, rowCount: shaped.length } : undefined)
  }

  #ready(): void {
    const query = this.#active
    this.#active = undefined
    this.#isReady = true
    query?.callback(null)
    this.#pulse()
  }

  /** Destroyed by its own side. */
  #cut(): void {
    this.#link?.close()
    this.#thread.after(0, () => this.#gone(undefined))
  }

  #gone(said: SqlError | undefined): void {
    if (this.#isGone) return
    this.#isGone = true
    this._queryable = false
    this.#isReady = false
    const fatal = said === undefined ? undefined : asDriverError(said)
    const onConnected = this.#onConnected
    this.#onConnected = undefined
    const active = this.#active
    this.#active = undefined
    active?.timer?.cancel()
    // A FATAL goes to the query that was running; the end of the connection then to all the others.
    if (fatal !== undefined && active !== undefined) active.callback(fatal)
    else if (fatal !== undefined && this.listenerCount('error') > 0) this.emit('error', fatal)
    const error = onConnected === undefined ? new Error('Connection terminated unexpectedly')
      : Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' })
    if (fatal === undefined) active?.callback(error)
    for (const query of this.#queue.splice(0)) {
      query.timer?.cancel()
      query.callback(error)
    }
    if (onConnected !== undefined) onConnected(error)
    else if (!this._ending) this.emit('error', error)
    this.emit('end')
  }
}

/** As the driver builds it from the server's message. */
function asDriverError({ message, code, severity }: SqlError): Error {
  return Object.assign(new Error(message), { code, severity })
}
