import { OwnCluster } from '../../test/fault/own-cluster.ts'
import { PostgresProxy } from '../../test/fault/postgres-proxy.ts'
import { canMount, smallDisk } from '../../test/fault/small-disk.ts'
import { Fixture } from '../../test/harness/fixture.ts'
import { readMetrics, sumOf } from '../../test/harness/metrics.ts'
import { ServerProcess } from '../../test/harness/server-process.ts'
import type { TestDatabase } from '../../test/harness/test-database.ts'
import { until } from '../../test/harness/until.ts'

/** Sales go by the database's clock, which a busy server knows to a few milliseconds: near a boundary nobody can say which of two sales refused. */
export const BOUNDARY_MS_MAX = 250

/** Sales that are sold out in their few seconds by a busy machine, with reservations that expire in each of them. */
export const TERMS = { items: 300, userLimit: 10, periodMs: 3_000, reservationTtlMs: 700 } as const

const ENVIRONMENT = {
  SALE_ITEMS: String(TERMS.items), USER_LIMIT: String(TERMS.userLimit), SALE_PERIOD: `${TERMS.periodMs}ms`,
  RESERVATION_TTL: `${TERMS.reservationTtlMs}ms`, RETENTION: '1h', THREADS: '2', LOG_LEVEL: 'info',
  // A cluster of its own flushes: no unsafe switch.
  UNSAFE_DATABASE: undefined,
} as const
/** The disk that is filled up: what a small cluster needs, its log, and room for the rows of one trial. */
const DISK_MB = 256
const SMALL_LOG = { max_wal_size: '64MB', min_wal_size: '32MB' } as const
/** From the end of a fault to an instance that serves: connecting again is tried each second at least. */
const HEALED_MS_MAX = 15_000
const SETTLED_MS_MAX = 10_000
const DAY_SECONDS = 86_400
/** In the years from 1971. */
const FIRST_PLANTED_DAY = 365
const PLANTED_DAYS = 10_000

/** One server that lives long, its PostgreSQL, and the proxy between them. */
export class SoakWorld {
  readonly cluster: OwnCluster
  readonly database: TestDatabase
  readonly proxy: PostgresProxy
  /** Where the cluster lives, when it is a disk that may be filled. */
  readonly disk: string | undefined
  /** The one that serves, or is to. */
  server: ServerProcess
  /** Told of each server that is started, so that its words are kept when a trial fails. */
  onServer: (server: ServerProcess) => void = () => {}
  readonly #fixture: Fixture
  readonly #alive = new Set<ServerProcess>()

  private constructor(fixture: Fixture, cluster: OwnCluster, database: TestDatabase, proxy: PostgresProxy, disk: string | undefined) {
    this.#fixture = fixture
    this.cluster = cluster
    this.database = database
    this.proxy = proxy
    this.disk = disk
    fixture.defer(() => Promise.all([...this.#alive].map((server) => server.crash())))
    this.server = this.spawn()
  }

  static async start(): Promise<SoakWorld> {
    const fixture = new Fixture()
    try {
      const disk = canMount() ? await smallDisk(fixture, DISK_MB) : undefined
      const cluster = await OwnCluster.start(fixture, SMALL_LOG, disk)
      const database = await fixture.database(cluster.url)
      const proxy = await PostgresProxy.before(database.url)
      fixture.defer(() => proxy.close())
      const world = new SoakWorld(fixture, cluster, database, proxy, disk)
      await world.server.listening()
      return world
    } catch (error) {
      await fixture.undo()
      throw error
    }
  }

  end(): Promise<void> {
    return this.#fixture.undo()
  }

  /** A server on a port that is free; it may have to wait for the lease. */
  spawn(): ServerProcess {
    const server = new ServerProcess({ env: { ...ENVIRONMENT, DATABASE_URL: this.proxy.url } })
    this.#alive.add(server)
    void server.exited.finally(() => this.#alive.delete(server))
    this.onServer(server)
    return server
  }

  /** Starts another server in the place of one that has ended. */
  async startAgain(): Promise<void> {
    this.server = this.spawn()
    await this.server.listening()
  }

  /** Everything has healed: the instance is the one that it was, and serves. */
  async expectServing(after: string): Promise<void> {
    await until(`it serves after ${after}`, () => {
      this.expectAlive(after)
      return fetch(`${this.server.url}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(({ status }) => status === 200, () => false)
    }, HEALED_MS_MAX, 25)
  }

  /** No fault of these ends a server by design but those that end it themselves. */
  expectAlive(after: string): void {
    const { exit, logs, stderr } = this.server
    const fatal = logs.filter(({ level }) => level >= 60).map(({ msg }) => msg)
    if (exit === undefined && fatal.length === 0) return
    throw new Error(`after ${after} the server ended with ${JSON.stringify(exit)}: ${fatal.join('; ')} ${stderr}`)
  }

  /**
   * Without load nothing stays under way: no row waits, and every sale that is over has left memory. A slot that somebody
   * forgot to release would keep its sale there for ever.
   */
  async expectAtRest(): Promise<void> {
    await until('no row waits', async () => sumOf(await readMetrics(this.server), 'megacache_batch_rows_waiting') === 0, SETTLED_MS_MAX, 50)
    const endedMs = Date.now() - TERMS.reservationTtlMs
    const over = this.server.logged('sale opened').map((line) => Number(line['saleId'])).filter((saleId) => saleId * 1000 + TERMS.periodMs <= endedMs)
    const left = (): number[] => {
      const retired = new Set(this.server.logged('sale retired').map((line) => Number(line['saleId'])))
      return over.filter((saleId) => !retired.has(saleId))
    }
    await until('every ended sale has left memory', () => left().length === 0, SETTLED_MS_MAX, 50).catch((error: unknown) => {
      throw new Error(`sales ${left().join(', ')} are still in memory`, { cause: error })
    })
  }

  /**
   * Empties what has been judged, as retention would a day later: it drops whole days, and a run lasts hours. And plants a day
   * of long ago, which the next start of a server has to drop.
   */
  async forgetSales(seed: number): Promise<void> {
    const { database } = this
    const newestKept = Math.floor((Date.now() - 2 * TERMS.periodMs) / 1000)
    await database.query('truncate checkouts, purchases, attempts')
    await database.query('delete from sales where sale_id < $1', [newestKept])
    await database.query('delete from sale_attempts where sale_id < $1', [newestKept])
    await database.query('vacuum sales')
    await database.query('vacuum sale_attempts')
    await database.query('select megacache_ensure_partitions($1)', [(FIRST_PLANTED_DAY + seed % PLANTED_DAYS) * DAY_SECONDS])
  }
}
