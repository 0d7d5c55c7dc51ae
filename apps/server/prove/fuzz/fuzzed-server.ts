import { Fixture } from '../../test/harness/fixture.ts'
import { readMetrics, sumOf } from '../../test/harness/metrics.ts'
import type { SaleClient } from '../../test/harness/sale-client.ts'
import type { ServerProcess } from '../../test/harness/server-process.ts'
import type { TestDatabase } from '../../test/harness/test-database.ts'
import { until } from '../../test/harness/until.ts'
import type { Trials } from '../kind.ts'
import { Book } from './book.ts'
import { AnswerCheck } from './check-answer.ts'

/** Items that trials ask for, in windows of a trial each; behind them those of the checks. */
const WINDOWS = 250
export const WINDOW_ITEMS = 800
const CHECK_ITEMS = 4_000
export const ITEMS: number = WINDOWS * WINDOW_ITEMS + CHECK_ITEMS
/** A server serves so many trials: long enough to see it grow. */
const TRIALS_MAX = 200
/** What the collector has not yet come to is no leak; the growth of one is bounded by no number of trials. */
const WARM_UP_TRIALS = 4
/** Resident memory goes up and down with the collector: the least of so many trials is what stays. */
const RESIDENT_SAMPLES = 8
/** It settles 140 MB above the first trials after a hundred, and is up to 190 MB above them on the way. */
const RESIDENT_GROWTH_BYTES_MAX = 256 * 1_048_576
const DESCRIPTOR_GROWTH_MAX = 24
const HANDLE_GROWTH_MAX = 8
/** Those of the checks themselves. */
const CONNECTIONS_AT_REST = 2
const REST_MS_MAX = 15_000

/** A server with its database that trial after trial attacks, and what must be true of it after each. */
export class FuzzedServer {
  readonly book = new Book()
  readonly answers = new AnswerCheck()
  readonly #fixture: Fixture
  readonly #process: ServerProcess
  readonly #database: TestDatabase
  readonly #client: SaleClient
  #trials = 0
  #baseline: Figures | undefined
  #residentBytes: number[] = []

  private constructor(fixture: Fixture, process: ServerProcess, database: TestDatabase) {
    this.#fixture = fixture
    this.#process = process
    this.#database = database
    this.#client = fixture.client(process, 1)
  }

  static async start(clusterUrl: string): Promise<FuzzedServer> {
    const fixture = new Fixture()
    try {
      const database = await fixture.database(clusterUrl)
      const env = { SALE_ITEMS: String(ITEMS), THREADS: '2', RESERVATION_TTL: '7d', USER_LIMIT: '1000', SALE_PERIOD: '30d' }
      return new FuzzedServer(fixture, await fixture.server(database, env), database)
    } catch (error) {
      await fixture.undo()
      throw error
    }
  }

  get port(): number {
    return this.#process.port
  }

  get isWornOut(): boolean {
    return this.#trials >= TRIALS_MAX
  }

  /** That the process ended, or what it said that it should not have to say. */
  get alarm(): string | undefined {
    const { exit, stderr, logs } = this.#process
    const alarming = logs.filter(({ level }) => level >= 50)
    if (exit === undefined && stderr === '' && alarming.length === 0) return undefined
    return `the server ${exit === undefined ? 'lives' : `ended ${JSON.stringify(exit)}`}; standard error: ${stderr}; log: ${JSON.stringify(alarming.slice(0, 5))}`
  }

  /** The first item of a window. */
  static windowFrom(window: number): number {
    return (window % WINDOWS) * WINDOW_ITEMS
  }

  stop(): Promise<void> {
    return this.#fixture.undo()
  }

  /** A well-formed client is served, rows and answers agree, nothing was logged that alarms, nothing grows. */
  async check(trials: Trials): Promise<void> {
    this.#trials++
    this.#expectCalm()
    await this.#sell()
    await until('connections are given back', async () => sumOf(await readMetrics(this.#process), 'megacache_http_connections') <= CONNECTIONS_AT_REST, REST_MS_MAX, 20)
    let difference = ''
    await until('the sale counts what the rows say', async () => {
      const { reserved, sold } = await this.book.check(this.#database.url)
      const sale = await this.#client.sale()
      difference = JSON.stringify({ rows: { reserved, sold }, sale })
      return sale.reserved === reserved && sale.sold === sold
    }, REST_MS_MAX, 50).catch((error: unknown) => { throw new Error(`${String(error)}: ${difference}`, { cause: error }) })
    this.#expectFlat(await this.#figures(), trials)
    this.#expectCalm()
  }

  #expectCalm(): void {
    if (this.alarm !== undefined) throw new Error(this.alarm)
  }

  async #sell(): Promise<void> {
    const item = WINDOWS * WINDOW_ITEMS + (this.#trials % (CHECK_ITEMS - 2))
    const user = 10n ** 15n + BigInt(this.#trials)
    const checkout = await this.#client.checkout(user, item)
    if (checkout.status !== 200) throw new Error(`a well-formed checkout was answered ${checkout.status} ${checkout.text}`)
    const calls = { method: 'POST', url: '', asJson: false, allowed: [] }
    this.book.answered({ ...calls, call: { kind: 'checkout', user, item } }, { ...checkout, headers: {} })
    const purchase = await this.#client.purchase(checkout.text)
    if (purchase.status !== 200) throw new Error(`a well-formed purchase was answered ${purchase.status} ${purchase.text}`)
    this.book.answered({ ...calls, call: { kind: 'purchase', code: checkout.text } }, { ...purchase, headers: {} })
  }

  async #figures(): Promise<Figures> {
    const figures = await readMetrics(this.#process)
    return {
      residentBytes: sumOf(figures, 'process_resident_memory_bytes'),
      descriptors: sumOf(figures, 'process_open_fds'),
      handles: sumOf(figures, 'nodejs_active_handles_total'),
    }
  }

  #expectFlat(figures: Figures, trials: Trials): void {
    const { residentBytes, descriptors, handles } = figures
    trials.peak('residentMb', Math.round(residentBytes / 1_048_576))
    trials.peak('descriptors', descriptors)
    trials.peak('handles', handles)
    if (this.#trials <= WARM_UP_TRIALS) this.#baseline = figures
    else this.#residentBytes = [...this.#residentBytes, residentBytes].slice(-RESIDENT_SAMPLES)
    const staysBytes = this.#residentBytes.length < RESIDENT_SAMPLES ? 0 : Math.min(...this.#residentBytes)
    const baseline = this.#baseline ?? figures
    trials.peak('residentMbGrown', Math.round((residentBytes - baseline.residentBytes) / 1_048_576))
    const grown = staysBytes - baseline.residentBytes > RESIDENT_GROWTH_BYTES_MAX || descriptors - baseline.descriptors > DESCRIPTOR_GROWTH_MAX ||
      handles - baseline.handles > HANDLE_GROWTH_MAX
    if (grown) throw new Error(`the server has grown from ${JSON.stringify(baseline)} to ${JSON.stringify(figures)}`)
  }
}

interface Figures {
  readonly residentBytes: number
  readonly descriptors: number
  readonly handles: number
}
