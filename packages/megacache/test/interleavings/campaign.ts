/**
 * Explores every world for a given time and writes down what it saw:
 *
 *     node --conditions=@megacache/source test/interleavings/campaign.ts [--for 30m] [--schedules 1000000] [--seed 1]
 *       [--only twoBuyers,crowd] [--out results.json]
 *     ... campaign.ts --replay twoBuyers 'a12 b7 a3'
 *
 * First each world is exhausted as in the tests, then random schedules are run in turn over all worlds, two of three with
 * sequential memory and one with weak; with `--for`, until the time is over, and worlds that are exhausted within a bound
 * of interruptions are exhausted again with one more after each round. With `--out`, a campaign that is started again with the same
 * seed goes on where it was. Prints progress; ends with status 1 when something is wrong, or when something that
 * should happen never did.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { explore, type Exploration, type ExploreOptions, replay } from '../../src/testing/index.ts'
import { addCounts } from '../../src/testing/interleavings/coverage.ts'
import { EXHAUSTED_WORLDS, exhaustionOf, WORLDS } from './all-worlds.ts'
import { REQUIRED, REQUIRED_WEAK } from './required.ts'

interface WorldProgress {
  /** The next random schedule of each memory. */
  next: { sequential: number; weak: number }
  states: number
  /** Interruptions allowed when it was exhausted last; null: any number. */
  exhausted?: number | null
  /** Interruptions beyond those of the tests that are too many to be exhausted. */
  tooMany?: number
  outcomes: number
}

interface Campaign {
  readonly started: string
  readonly node: string
  readonly cpu: string
  readonly seed: number
  seconds: number
  states: number
  schedules: { sequential: number; weak: number }
  readonly worlds: Record<string, WorldProgress>
  readonly coverage: Record<string, number>
  readonly failures: { readonly world: string; readonly memory: string; readonly what: string; readonly schedule: string }[]
}

const BATCH = 9000
const STATES_MAX = 4_000_000
const PROGRESS_MS = 10_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    for: { type: 'string' }, schedules: { type: 'string' }, seed: { type: 'string', default: '1' },
    only: { type: 'string' }, out: { type: 'string' }, replay: { type: 'boolean', default: false },
  },
})

async function run(): Promise<void> {
  const seed = numberIn('seed', values.seed)
  const timeMaxMs = values.for === undefined ? Infinity : durationIn(values.for)
  const schedulesMax = values.schedules === undefined ? (values.for === undefined ? 1_000_000 : Infinity) : numberIn('schedules', values.schedules)
  const names = values.only?.split(',') ?? Object.keys(WORLDS)
  const unknown = names.filter((name) => WORLDS[name] === undefined)
  if (unknown.length > 0) fail(`no such world: ${unknown.join(', ')}`)
  const campaign = begin(seed)
  const clock = new Stopwatch(campaign, timeMaxMs)

  for (const name of names) await exhaust(campaign, clock, name, 0)
  for (let round = 1; !clock.isOver && total(campaign) < schedulesMax && campaign.failures.length === 0; round++) {
    const batch = Math.min(BATCH, Math.ceil((schedulesMax - total(campaign)) / names.length))
    for (const name of names) {
      if (clock.isOver || total(campaign) >= schedulesMax) break
      await sample(campaign, clock, name, 'sequential', Math.ceil(batch * 2 / 3))
      await sample(campaign, clock, name, 'weak', Math.ceil(batch / 3))
    }
    if (timeMaxMs !== Infinity && round % 20 === 0) {
      for (const name of names) if (!clock.isOver) await exhaust(campaign, clock, name, round / 20)
    }
  }
  end(campaign, clock, names.length === Object.keys(WORLDS).length)
}

async function exhaust(campaign: Campaign, clock: Stopwatch, name: string, more: number): Promise<void> {
  const world = EXHAUSTED_WORLDS[name]
  const progress = progressOf(campaign, name)
  if (world === undefined || progress.exhausted === null || progress.tooMany !== undefined) return
  const options: ExploreOptions = { ...exhaustionOf(name, more), statesMax: STATES_MAX }
  if (progress.exhausted !== undefined && (options.preemptionsMax ?? Infinity) <= progress.exhausted) return
  try {
    const explored = await explore(world, options)
    progress.exhausted = options.preemptionsMax ?? null
    progress.states += explored.states
    campaign.states += explored.states
    note(campaign, name, 'sequential', explored)
  } catch (error) {
    if (!String(error).includes('states')) throw error
    progress.tooMany = more
  }
  clock.tick()
}

async function sample(campaign: Campaign, clock: Stopwatch, name: string, memory: 'sequential' | 'weak', schedules: number): Promise<void> {
  const progress = progressOf(campaign, name)
  const explored = await explore(WORLDS[name]!, { schedules, from: progress.next[memory], seed: campaign.seed, memory })
  progress.next[memory] += schedules
  campaign.schedules[memory] += explored.schedules
  note(campaign, name, memory, explored)
  clock.tick()
}

function note(campaign: Campaign, world: string, memory: string, explored: Exploration): void {
  const progress = progressOf(campaign, world)
  progress.outcomes = Math.max(progress.outcomes, Object.keys(explored.outcomes).length)
  addCounts(campaign.coverage, explored.coverage)
  if (explored.wrong === undefined) return
  campaign.failures.push({ world, memory, ...explored.wrong })
  console.error(`\nWRONG in ${world} (${memory} memory, seed ${campaign.seed}): ${explored.wrong.what}`)
  console.error(`see it: campaign.ts --replay ${world} '${explored.wrong.schedule}'`)
}

function begin(seed: number): Campaign {
  if (values.out !== undefined && existsSync(values.out)) {
    const campaign = JSON.parse(readFileSync(values.out, 'utf8')) as Campaign
    if (campaign.seed !== seed) fail(`${values.out} is of seed ${campaign.seed}`)
    console.log(`going on after ${Math.round(campaign.seconds)} s`)
    return campaign
  }
  return {
    started: new Date().toISOString(), node: process.version, cpu: cpus()[0]?.model.trim() ?? 'unknown', seed, seconds: 0, states: 0,
    schedules: { sequential: 0, weak: 0 }, worlds: {}, coverage: {}, failures: [],
  }
}

function end(campaign: Campaign, clock: Stopwatch, isComplete: boolean): void {
  clock.tick(true)
  const never = isComplete ? [...REQUIRED, ...REQUIRED_WEAK].filter((name) => campaign.coverage[name] === undefined) : []
  for (const [name, { states, next, exhausted, outcomes }] of Object.entries(campaign.worlds)) {
    const how = exhausted === undefined ? 'at random' : exhausted === null ? 'exhausted' : `exhausted to ${exhausted} interruptions`
    console.log(`${name.padEnd(24)} ${String(states).padStart(9)} states  ${String(next.sequential + next.weak).padStart(9)} schedules  ${String(outcomes).padStart(3)} outcomes  ${how}`)
  }
  console.log(JSON.stringify(campaign.coverage))
  console.log(`${campaign.states} states, ${campaign.schedules.sequential} + ${campaign.schedules.weak} (weak) schedules in ${Math.round(campaign.seconds)} s: ${campaign.failures.length} wrong`)
  if (never.length > 0) console.error(`never happened: ${never.join(', ')}`)
  if (never.length > 0 || campaign.failures.length > 0) process.exitCode = 1
}

/** Counts the seconds of a campaign, over all its runs, and saves it now and then. */
class Stopwatch {
  readonly #campaign: Campaign
  readonly #before: number
  readonly #startedMs = performance.now()
  readonly #timeMaxMs: number
  #shownMs = performance.now()

  constructor(campaign: Campaign, timeMaxMs: number) {
    this.#campaign = campaign
    this.#before = campaign.seconds
    this.#timeMaxMs = timeMaxMs
  }

  get isOver(): boolean {
    return performance.now() - this.#startedMs > this.#timeMaxMs
  }

  tick(isLast = false): void {
    const now = performance.now()
    const campaign = this.#campaign
    campaign.seconds = this.#before + (now - this.#startedMs) / 1000
    if (!isLast && now - this.#shownMs < PROGRESS_MS) return
    this.#shownMs = now
    if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(campaign, undefined, 2)}\n`)
    console.log(`${Math.round(campaign.seconds)} s: ${campaign.states} states, ${total(campaign)} schedules, ${campaign.failures.length} wrong`)
  }
}

function progressOf(campaign: Campaign, name: string): WorldProgress {
  return campaign.worlds[name] ??= { next: { sequential: 0, weak: 0 }, states: 0, outcomes: 0 }
}

function total({ schedules }: Campaign): number {
  return schedules.sequential + schedules.weak
}

async function show(name: string, schedule: string): Promise<void> {
  const world = WORLDS[name]
  if (world === undefined) fail(`no such world: ${name}`)
  const { trace, outcome, wrong } = await replay(world, schedule)
  console.log(trace.join('\n'))
  console.log(outcome ?? 'not at its end')
  console.log(wrong === undefined ? 'nothing is wrong' : `WRONG: ${wrong}`)
  if (wrong !== undefined) process.exitCode = 1
}

function durationIn(text: string): number {
  const match = /^(\d+)(s|m|h)$/.exec(text)
  if (match === null) fail(`--for takes a number of s, m or h, not ${text}`)
  return Number(match[1]) * { s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 's' | 'm' | 'h']
}

function numberIn(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) fail(`--${name} takes a number, not ${text}`)
  return value
}

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}

if (values.replay) await show(positionals[0] ?? '', positionals[1] ?? '')
else await run()
