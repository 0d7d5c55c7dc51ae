import type { Random } from '../../simulation/world/random.ts'
import type { Fixture } from '../../test/harness/fixture.ts'
import type { ServerProcess } from '../../test/harness/server-process.ts'
import type { TestDatabase } from '../../test/harness/test-database.ts'
import { Cycle, type CycleReport } from './cycle.ts'
import { type Asked, historyMs, Recorder } from './recorder.ts'
import type { Starts } from './starts.ts'
import { ITEMS, USER_LIMIT } from './terms.ts'

const RESERVATION_TTL_MS = 120_000
const ENV = { SALE_ITEMS: String(ITEMS), USER_LIMIT: String(USER_LIMIT), RESERVATION_TTL: `${RESERVATION_TTL_MS}ms` }

/** One database and its instances: the active one, and those that wait for its lease. */
export class Lane {
  readonly #database: TestDatabase
  readonly #starts: Starts
  /** Request threads of each instance. */
  readonly #threads: number
  readonly #spawn: () => ServerProcess
  readonly #recorder = new Recorder()
  #active: ServerProcess
  #standbys: ServerProcess[]
  #items = 0

  private constructor(
    database: TestDatabase, starts: Starts, threads: number, spawn: () => ServerProcess, active: ServerProcess, standby: ServerProcess,
  ) {
    this.#database = database
    this.#starts = starts
    this.#threads = threads
    this.#spawn = spawn
    this.#active = active
    this.#standbys = [standby]
  }

  static async open(fixture: Fixture, clusterUrl: string, starts: Starts, threads: number): Promise<Lane> {
    const database = await fixture.database(clusterUrl)
    const spawn = (): ServerProcess => fixture.spawn(database, { ...ENV, THREADS: String(threads) })
    const active = await starts.next(spawn)
    await active.listening()
    const lane = new Lane(database, starts, threads, spawn, active, await starts.next(spawn))
    await lane.#begin()
    return lane
  }

  /** One pause and what comes of it; the next one has a standby again. */
  async cycle(random: Random, isLast: boolean): Promise<CycleReport> {
    await Promise.all(this.#standbys.map((standby) => standby.seen('another instance is active')))
    const join = async (spawned: (server: ServerProcess) => void): Promise<void> => {
      if (isLast || this.#standbys.length > 1) return
      await this.#starts.next(() => {
        const server = this.#spawn()
        spawned(server)
        return server
      })
    }
    const cycle = new Cycle({
      database: this.#database, recorder: this.#recorder, active: this.#active, threads: this.#threads, standbys: this.#standbys,
      join, items: { next: () => this.#next() }, random,
    })
    const report = await cycle.run()
    this.#standbys = cycle.standbys.filter((standby) => standby !== report.active)
    this.#active = report.active
    return report
  }

  #next(): Asked {
    const itemId = this.#items++
    return { step: 'checkout', userId: String(itemId), itemId, code: '' }
  }

  async #begin(): Promise<void> {
    const answer = await fetch(`${this.#active.url}/sale`)
    const { saleId } = await answer.json() as { saleId: number }
    this.#recorder.begin({
      scenario: 'take-overs', url: this.#active.url, saleId, items: ITEMS, userLimit: USER_LIMIT, startedEmpty: true,
      firstUserId: '0', userCount: ITEMS, seed: 0, startedAtMs: historyMs(), reservationTtlMs: RESERVATION_TTL_MS,
    })
  }
}
