import { setTimeout as sleep } from 'node:timers/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { expect } from 'vitest'
import type { Random } from '../../simulation/world/random.ts'
import { expectTrueLedger } from '../../test/harness/ledger-check.ts'
import { RawSocket } from '../../test/harness/raw-socket.ts'
import type { ServerProcess } from '../../test/harness/server-process.ts'
import type { TestDatabase } from '../../test/harness/test-database.ts'
import { until, within } from '../../test/harness/until.ts'
import { Buyers, type ItemSource } from './buyers.ts'
import { leaseOf } from './lease-row.ts'
import { judgeOldEpoch, type Moments } from './old-epoch.ts'
import { type Asked, historyMs, type Recorder } from './recorder.ts'
import { FENCED, STALE_MS } from './terms.ts'

/** From the last renewal to the end of the take-over, on a machine with other things to do. */
const TAKE_OVER_MS_MAX = 20_000
/** An instance that runs again learns of its successor within this. */
const FENCED_MS_MAX = 10_000
/** An instance that kept its lease has renewed it within this. */
const KEPT_MS = 1_500
/** The load is real when so many requests are answered: the first ones run code that is not compiled yet. */
const WARM_REQUESTS = 200
const WARM_MS_MAX = 10_000

export interface CycleOptions {
  readonly database: TestDatabase
  readonly recorder: Recorder
  readonly active: ServerProcess
  /** Request threads of `active`. */
  readonly threads: number
  /** They wait for the lease of `active`. */
  readonly standbys: readonly ServerProcess[]
  /** Lets one more join while it is paused, if one is wanted; resolves when it has loaded. */
  readonly join: (spawned: (server: ServerProcess) => void) => Promise<void>
  readonly items: ItemSource
  readonly random: Random
}

export interface CycleReport {
  /** Who has the lease now. */
  readonly active: ServerProcess
  readonly what: 'resumed after the take-over' | 'resumed before the take-over' | 'killed' | 'kept its lease'
  readonly inFlight: number
  readonly waiting: number
  readonly requests: number
  /** Answers that the old instance was writing when it was stopped. ADR 14. */
  readonly beingWritten: number
}

/** What became of the lease while its holder was stopped. */
interface Paused {
  /** Undefined when it was kept. */
  readonly taken: Pick<Moments, 'takenAtMs' | 'knownAtMs'> | undefined
  /** Who has it now. */
  readonly successor: ServerProcess
  readonly waiting: number
}

/** When and how the paused instance comes back. */
interface Plan {
  readonly end: 'killed' | 'resumed'
  /** From the moment at which its lease can be taken; with undefined, from the take-over on, so many milliseconds later. */
  readonly aroundMs: number | undefined
  readonly laterMs: number
}

/**
 * An active instance under load is stopped until its lease can be taken. It runs again some time after the take-over, or just
 * around it, or never.
 */
export class Cycle {
  readonly #options: CycleOptions
  readonly #plan: Plan
  readonly standbys: ServerProcess[]
  #resumedAtMs = Infinity

  constructor(options: CycleOptions) {
    const { random, standbys } = options
    this.#options = options
    this.standbys = [...standbys]
    this.#plan = {
      end: random.chance(0.15) ? 'killed' : 'resumed',
      aroundMs: random.chance(0.4) ? random.between(-80, 160) : undefined,
      laterMs: random.skewed(0, 2_000),
    }
  }

  async run(): Promise<CycleReport> {
    const { recorder, active, threads, join } = this.#options
    const before = recorder.calls.length
    const loopDelay = monitorEventLoopDelay({ resolution: 5 })
    loopDelay.enable()
    const buyers = new Buyers(recorder, active, this.#options.items)
    const sendLater = await this.#load(buyers)

    active.signal('SIGSTOP')
    const pausedAtMs = historyMs()
    const inFlight = recorder.openCount
    const joined = join((server) => this.standbys.push(server))
    // Told below: a cycle that fails before must not count as unhandled.
    joined.catch(() => {})
    try {
      const { taken, successor, waiting } = await this.#pause(buyers, sendLater)
      const requests = recorder.calls.length - before
      if (taken === undefined) return { active, what: 'kept its lease', inFlight, waiting, requests, beingWritten: 0 }
      const beingWritten = judgeOldEpoch(recorder.calls.slice(before), { process: active, threads }, {
        pausedAtMs, resumedAtMs: this.#resumedAtMs, readLateMs: loopDelay.max / 1e6, ...taken,
      })
      await this.#buyTheRest(successor)
      await this.#judgeLedger()
      return { active: successor, what: this.#whatCame(taken.takenAtMs), inFlight, waiting, requests, beingWritten }
    } finally {
      loopDelay.disable()
      await joined
    }
  }

  /** Buyers at work, and open connections on which requests can be sent later. */
  async #load(buyers: Buyers): Promise<((asked: Asked) => void)[]> {
    const { recorder, random } = this.#options
    const enough = recorder.calls.length + WARM_REQUESTS
    const untilMs = historyMs() + WARM_MS_MAX
    buyers.start(random.integer(3, 8), random)
    const sendLater = await buyers.idle(random.integer(4, 16))
    while (recorder.calls.length < enough && historyMs() < untilMs) await sleep(10)
    await sleep(random.between(0, 300))
    return sendLater
  }

  /** From the stop to the last answer of the old instance. */
  async #pause(buyers: Buyers, sendLater: readonly ((asked: Asked) => void)[]): Promise<Paused> {
    const { active, database } = this.#options
    const lease = await leaseOf(database)
    const sending = this.#sendToThePaused(buyers, sendLater)
    const ending = this.#endThePause(lease.silentMs)
    const successor = await this.#successor(lease.epoch)
    if (successor === undefined) {
      await ending
      const waiting = await sending
      await this.#expectServes(active)
      await buyers.stop()
      await this.#judgeLedger()
      return { taken: undefined, successor: active, waiting }
    }
    const knownAtMs = historyMs()
    const { epoch, acquiredAtMs, database: { acquiredMs } } = await leaseOf(database)
    expect(epoch, 'epochs grow one by one').toBe(lease.epoch + 1)
    if (!this.#isKilled()) expect(acquiredMs - lease.database.renewedMs, 'silence before a take-over').toBeGreaterThanOrEqual(STALE_MS)
    await successor.listening()
    await this.#afterTheTakeOver(ending, buyers)
    const waiting = await sending
    await buyers.stop()
    return { taken: { takenAtMs: acquiredAtMs, knownAtMs }, successor, waiting }
  }

  #whatCame(takenAtMs: number): CycleReport['what'] {
    if (this.#isKilled()) return 'killed'
    return this.#resumedAtMs < takenAtMs ? 'resumed before the take-over' : 'resumed after the take-over'
  }

  #isKilled(): boolean {
    return this.#plan.end === 'killed'
  }

  /** Requests that come to the process while it does not run, on old connections and on new ones; returns how many. */
  async #sendToThePaused(buyers: Buyers, sendLater: readonly ((asked: Asked) => void)[]): Promise<number> {
    const { items, random, recorder } = this.#options
    const kept = recorder.unbought()
    const next = (): Asked => {
      const step = random.pick(['checkout', 'purchase', 'read'] as const)
      return step === 'checkout' || kept.length === 0 ? items.next() : { ...random.pick(kept), step }
    }
    for (const send of sendLater) send(next())
    const fresh = random.integer(4, 16)
    for (let index = 0; index < fresh; index++) {
      buyers.ask(next())
      await sleep(random.between(0, 400))
    }
    return sendLater.length + fresh
  }

  /** Just around the moment of the take-over, if that is the plan. */
  async #endThePause(silentMs: number): Promise<void> {
    const { aroundMs } = this.#plan
    if (aroundMs === undefined) return
    await sleep(STALE_MS - silentMs + aroundMs)
    this.#comeBack()
  }

  /** Who has taken over; undefined when the old instance has kept its lease. */
  async #successor(epoch: number): Promise<ServerProcess | undefined> {
    const { database } = this.#options
    let isKept = false
    const takenBy = (): ServerProcess | undefined => this.standbys.find((standby) => standby.logged('lease acquired').length > 0)
    await until('a standby has taken over, or the old instance goes on', async () => {
      if (takenBy() !== undefined) return true
      if (historyMs() < this.#resumedAtMs + KEPT_MS) return false
      const lease = await leaseOf(database)
      isKept = !this.#isKilled() && lease.epoch === epoch && lease.silentMs < KEPT_MS
      return isKept
    }, TAKE_OVER_MS_MAX, 5)
    return isKept ? undefined : takenBy()
  }

  /** The old instance runs again, if it does not yet, is asked more, and ends. */
  async #afterTheTakeOver(ending: Promise<void>, buyers: Buyers): Promise<void> {
    const { active, items } = this.#options
    if (this.#plan.aroundMs === undefined) {
      await sleep(this.#plan.laterMs)
      this.#comeBack()
    }
    await ending
    for (let index = 0; index < 4; index++) buyers.ask(items.next())
    const exit = await within(FENCED_MS_MAX, 'the end of the old instance', active.exited)
    expect(exit).toEqual(this.#isKilled() ? { code: null, signal: 'SIGKILL' } : { code: FENCED, signal: null })
    if (!this.#isKilled()) expect(active.logged('another instance has taken over')).toHaveLength(1)
  }

  #comeBack(): void {
    this.#options.active.signal(this.#isKilled() ? 'SIGKILL' : 'SIGCONT')
    this.#resumedAtMs = historyMs()
  }

  async #expectServes(active: ServerProcess): Promise<void> {
    const { recorder, items } = this.#options
    const socket = await RawSocket.open(active.port)
    expect(await recorder.ask(active, socket, items.next())).toMatchObject({ status: 200 })
    socket.reset()
  }

  /** One outcome for each reservation: what was bought is known, and the rest can be. */
  async #buyTheRest(successor: ServerProcess): Promise<void> {
    const { recorder } = this.#options
    const tried = new Set(recorder.calls.filter(({ step }) => step === 'purchase').map(({ code }) => code))
    const socket = await RawSocket.open(successor.port)
    for (const asked of recorder.unbought()) {
      const { status, reason } = await recorder.ask(successor, socket, asked)
      if (status === 200) continue
      expect({ ...asked, wasTried: tried.has(asked.code), status, reason }).toEqual({ ...asked, wasTried: true, status: 409, reason: 'already_purchased' })
    }
    socket.reset()
  }

  async #judgeLedger(): Promise<void> {
    const { database, recorder } = this.#options
    const { checked } = await expectTrueLedger(database, recorder.history, { expectSoldOut: false })
    expect(checked.purchaseRows).toBeGreaterThan(0)
  }
}
