import { startEmbedded } from '@megacache/persistence/embedded'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Random } from '../simulation/world/random.ts'
import { Fixture } from '../test/harness/fixture.ts'
import { within } from '../test/harness/until.ts'
import type { CampaignState } from './campaign-state.ts'
import type { Failure, Kind, Trial, Trials } from './kind.ts'

const PROGRESS_MS = 10_000
/** No trial of any kind takes so long: one that does has hung, and that is a failure. */
const TRIAL_MS_MAX = 300_000
const REPOSITORY = new URL('../../../', import.meta.url).href

export interface CampaignLimits {
  /** Ends the kind after this time. */
  readonly forMs: number
  /** Ends it when it has counted so much of everything. */
  readonly size: 'small' | 'long'
  /** Runs the trial of this seed only. */
  readonly onlySeed: number | undefined
  readonly signal: AbortSignal
}

/** One kind at work: seeds, counts, failures, time. */
export class Campaign implements Trials {
  readonly #kind: Kind
  readonly #state: CampaignState
  readonly #limits: CampaignLimits
  readonly #fixture = new Fixture()
  readonly #startedMs = performance.now()
  readonly #secondsBefore: number
  readonly #directory: string
  #shownMs = performance.now()
  #clusterUrl: Promise<string> | undefined
  #isSeedGiven = false

  /** `directory`: kept between runs. */
  constructor(kind: Kind, state: CampaignState, directory: string, limits: CampaignLimits) {
    this.#kind = kind
    this.#state = state
    this.#directory = directory
    this.#limits = limits
    this.#secondsBefore = state.seconds
    mkdirSync(directory, { recursive: true })
  }

  async run(): Promise<void> {
    try {
      await this.#kind.run(this)
    } catch (error) {
      this.failed({ seed: -1, what: `the kind itself ended: ${textOf(error)}` })
    } finally {
      await this.#fixture.undo()
      this.#keep(true)
    }
  }

  get isOver(): boolean {
    if (this.#limits.onlySeed !== undefined) return this.#isSeedGiven
    if (this.#limits.signal.aborted || this.leftMs <= 0) return true
    return Object.keys(this.#kind.goals).every((name) => this.wanted(name) === 0)
  }

  get leftMs(): number {
    return this.#limits.forMs - (performance.now() - this.#startedMs)
  }

  counted(name: string): number {
    return this.#state.counts[name] ?? 0
  }

  wanted(name: string): number {
    const goal = this.#kind.goals[name]?.[this.#limits.size] ?? 0
    return Math.max(0, goal - this.counted(name))
  }

  count(name: string, by = 1): void {
    this.#state.counts[name] = this.counted(name) + by
    this.#keep(false)
  }

  peak(name: string, value: number): void {
    this.#state.peaks[name] = Math.max(this.#state.peaks[name] ?? -Infinity, value)
  }

  path(name: string): string {
    return join(this.#directory, name)
  }

  seed(count = 1): number {
    this.#isSeedGiven = true
    if (this.#limits.onlySeed !== undefined) return this.#limits.onlySeed
    const first = this.#state.nextSeed
    this.#state.nextSeed += count
    return first
  }

  failed(failure: Failure): void {
    const replay = failure.replay ?? `pnpm prove --only ${this.#kind.name} --seed ${failure.seed}`
    this.#state.failures.push({ ...failure, replay })
    console.log(`FAILED ${this.#kind.name}, seed ${failure.seed}: ${failure.what}\n  again: ${replay}`)
    this.#keep(true)
  }

  clusterUrl(): Promise<string> {
    const given = process.env['DATABASE_URL']
    this.#clusterUrl ??= given !== undefined && given !== '' ? Promise.resolve(given) : startEmbedded().then((cluster) => {
      this.#fixture.defer(() => cluster.stop())
      return cluster.url
    })
    return this.#clusterUrl
  }

  async each(trial: (one: Trial) => Promise<void>): Promise<void> {
    while (!this.isOver) {
      const seed = this.seed()
      const fixture = new Fixture()
      const random = new Random(`${this.#kind.name}/${seed}`)
      try {
        await within(TRIAL_MS_MAX, 'the end of the trial', trial({ seed, fixture, random }))
      } catch (error) {
        this.failed({ seed, what: textOf(error) })
        this.#keepLogs(seed, fixture)
      }
      await fixture.undo().catch((error: unknown) => this.failed({ seed, what: textOf(error) }))
      this.#keep(false)
    }
  }

  /** What the servers of a failed trial said. */
  #keepLogs(seed: number, fixture: Fixture): void {
    for (const [index, server] of fixture.servers.entries()) {
      const lines = [...server.logs.map((line) => JSON.stringify(line)), server.stderr]
      writeFileSync(this.path(`seed-${seed}-server-${index}.log`), `${lines.join('\n')}\n`)
    }
  }

  #keep(isNow: boolean): void {
    const now = performance.now()
    if (!isNow && now - this.#shownMs < PROGRESS_MS) return
    this.#shownMs = now
    this.#state.seconds = this.#secondsBefore + (now - this.#startedMs) / 1000
    if (this.#limits.onlySeed === undefined) writeFileSync(this.path('state.json'), `${JSON.stringify(this.#state, undefined, 2)}\n`)
    const counts = Object.entries(this.#state.counts).map(([name, count]) => `${count} ${name}`)
    console.log(`${this.#kind.name}: ${[...counts, `${this.#state.failures.length} failed`].join(', ')}, ${Math.round(this.#state.seconds)} s`)
  }
}

function textOf(error: unknown): string {
  if (error instanceof AggregateError) return `${error.message}: ${error.errors.map(textOf).join('; ')}`
  const text = error instanceof Error ? error.stack ?? error.message : String(error)
  // Results are published: where this repository lies on a machine is nobody's business.
  return text.replaceAll(REPOSITORY, '')
}
