import { checkHistory } from '../check/check-history.ts'
import { checkWithLibrary } from '../check/check-with-library.ts'
import { checkMemory } from '../check/check-memory.ts'
import { checkRest } from '../check/check-rest.ts'
import { Witness } from '../check/witness.ts'
import { History } from '../check/history.ts'
import { type Protections, SimulatedPostgres } from '../postgres/simulated-postgres.ts'
import { DatabaseNetwork } from '../runtime/database-network.ts'
import { HttpNetwork } from '../runtime/http-network.ts'
import type { World } from '../runtime/simulated-process.ts'
import { runningThread } from '../runtime/simulated-thread.ts'
import type { SourceChange } from '../runtime/source-change.ts'
import { SourceModules } from '../runtime/source-modules.ts'
import { Counters } from '../world/counters.ts'
import { EPOCH_MS, Machine } from '../world/machine.ts'
import { Random } from '../world/random.ts'
import { Timeline } from '../world/timeline.ts'
import { Trace } from '../world/trace.ts'
import { drawPlan, type Plan } from './plan.ts'
import { Operator } from './operator.ts'
import { Shopper } from './shoppers.ts'
import { type OpenedSale, Watch } from './watch.ts'
import { Troubles } from './troubles.ts'

const EVENTS_MAX = 400_000
const STEP_MS = 20
/** How often memory is compared with the rows; and until how much is found. */
const LOOK_EVERY_MS = 97
const VIOLATIONS_MAX = 50

export interface RunOptions {
  readonly seed: number
  /** What is changed in the shipped sources. */
  readonly changes?: readonly SourceChange[]
  readonly protections?: Protections
  readonly show?: (line: string) => void
}

export interface RunResult {
  readonly seed: number
  readonly hash: string
  readonly events: number
  readonly calls: number
  /** What contradicts a guarantee; empty is what one wants. */
  readonly violations: readonly string[]
  readonly counters: Readonly<Record<string, number>>
}

/** With these the bounds of a narrow world are reached by a handful of requests. */
const NARROW: readonly SourceChange[] = [
  { in: 'BatchWriter.constructor', from: '?? 8_192', to: '?? 6' },
  { in: 'BatchWriter.constructor', from: '?? 512', to: '?? 3' },
  { in: 'ROOM_MAX', from: '1_024', to: '2' },
  { in: 'PARKED_MAX', from: '10_000', to: '3' },
  { in: 'OPEN_MAX', from: '64', to: '1' },
]
const NO_CHANGES: readonly SourceChange[] = []
const compiled = new WeakMap<readonly SourceChange[], { usual: SourceModules, narrow: SourceModules }>()

function modulesFor(changes: readonly SourceChange[], isNarrow: boolean): SourceModules {
  let both = compiled.get(changes)
  if (both === undefined) {
    both = { usual: new SourceModules(changes), narrow: new SourceModules([...changes, ...NARROW]) }
    compiled.set(changes, both)
  }
  return isNarrow ? both.narrow : both.usual
}

/** One world from its seed: trouble for a while, then healing, a whole sale with demand, rest, and the checks. */
export async function runWorld({ seed, changes = NO_CHANGES, protections, show }: RunOptions): Promise<RunResult> {
  const violations: string[] = []
  const counters = new Counters()
  const timeline = new Timeline()
  const trace = new Trace(() => timeline.nowMs, show)
  const onViolation = (what: string): void => {
    violations.push(what)
    trace.add('VIOLATION', what)
  }
  const random = new Random(`megacache ${seed}`)
  const plan = drawPlan(random.stream('plan'))
  trace.add('world', JSON.stringify(plan))
  const clocks = random.stream('clocks')
  const machineOf = (name: string): Machine => new Machine(name, timeline, {
    wallErrorMs: clocks.between(0, 1) + plan.beginsAtMs + clocks.skewed(-20, 20), monotonicOriginMs: clocks.between(1_000, 1e8),
  })
  const postgres = new SimulatedPostgres({
    timeline, trace, counters, onViolation, random: random.stream('postgres'), machine: machineOf('db'),
    isReplicated: plan.isReplicated, flushMsMax: plan.flushMsMax,
    // None of the sale that must sell out, and of one code always the same.
    refusesCode: (code, kind) => plan.refusesCodes && code.endsWith(kind === 'checkout' ? 'a' : 'b') &&
      Number.parseInt(code.slice(0, 8), 16) * 1_000 < EPOCH_MS + plan.beginsAtMs + plan.troubleMs,
    ...(protections === undefined ? {} : { protections }),
  })
  const http = new HttpNetwork(timeline, random.stream('http'))
  const machines = plan.machines.map(machineOf)
  const troubles = new Troubles(plan, random.stream('troubles'))
  const watch = new Watch(counters, timeline, plan.periodMs)
  const world: World = {
    timeline, random, trace, counters, http, watch, witness: new Witness({ timeline, living: () => operator.living, postgres, onViolation }), modules: modulesFor(changes, plan.isNarrow),
    database: new DatabaseNetwork(timeline, random.stream('network'), postgres, troubles),
  }
  const operator = new Operator({ world, random: random.stream('operator'), env: plan.env, isTroubled: plan.mood === 'troubled', onViolation })
  watch.living = () => operator.living
  watch.heard = (message) => troubles.heard(message)
  troubles.begin({ world, operator, postgres, machines })
  const history = new History()
  const shoppers = Array.from({ length: plan.shoppers }, (_none, index) => new Shopper(`shopper${index}`, {
    timeline, random: random.stream(`shopper ${index}`), trace, counters, http, history,
    machines: plan.machines, items: plan.items, users: plan.users, thinkMs: plan.thinkMs,
    readyMachine: () => operator.living.find(({ isServing }) => isServing)?.machine.name,
    epochNow: () => {
      const { reader, snapshot } = postgres.observe()
      return postgres.lease.read(reader, snapshot).epoch
    },
  }))
  troubles.crowd = () => { for (const shopper of shoppers) shopper.crowd() }
  const onRejection = (error: unknown): void => {
    const thread = runningThread()
    if (thread === undefined) onViolation(`the simulation itself: ${String(error)}`)
    else thread.process.failed(thread, error)
  }
  process.on('unhandledRejection', onRejection)
  const look = (): void => {
    for (const one of operator.living) for (const what of checkMemory(one, postgres)) onViolation(what)
    if (violations.length < VIOLATIONS_MAX) timeline.after(LOOK_EVERY_MS, look)
  }
  look()
  try {
    for (const machine of machines) operator.start(machine)
    const wholeSale = await live({ plan, timeline, trace, operator, troubles, shoppers, watch })
    violations.push(...checkHistory(history, postgres, plan))
    violations.push(...checkWithLibrary(history, postgres, plan))
    violations.push(...checkRest({ plan, operator, postgres, history, wholeSale }))
  } catch (error) {
    onViolation(`the simulation itself: ${error instanceof Error ? error.stack : String(error)}`)
  } finally {
    process.off('unhandledRejection', onRejection)
  }
  for (const what of violations) trace.add('FOUND', what)
  return {
    seed, hash: trace.hash, events: timeline.eventCount, calls: history.calls.length, violations, counters: counters.toJSON(),
  }
}

/** By the clock that sales go by: the database's. */
function saleTimeMs({ process }: OpenedSale): number {
  return process.world.database.postgres.machine.wallMs()
}

function isOver(sale: OpenedSale): boolean {
  return saleTimeMs(sale) >= sale.endsAtMs
}

interface Life {
  readonly plan: Plan
  readonly timeline: Timeline
  readonly trace: Trace
  readonly operator: Operator
  readonly troubles: Troubles
  readonly shoppers: readonly Shopper[]
  readonly watch: Watch
}

/** Returns the sale that began when everything had come back, and was seen to its end. */
async function live({ plan, timeline, trace, operator, troubles, shoppers, watch }: Life): Promise<OpenedSale | undefined> {
  await timeline.run(plan.troubleMs, EVENTS_MAX)
  trace.add('world', 'heals')
  troubles.heal()
  for (const shopper of shoppers) shopper.become('slow')
  await timeline.run(timeline.nowMs + plan.healMs, EVENTS_MAX)
  for (const shopper of shoppers) shopper.become('eager')
  const healedAtMs = timeline.nowMs
  // A clock that was set forward and back, perhaps several times, leaves a sale open for that much longer.
  const openMs = Math.max(0, ...watch.opened.map((sale) => sale.endsAtMs - saleTimeMs(sale)))
  const limitMs = healedAtMs + openMs + 3 * plan.periodMs + 1_000
  const whole = (): OpenedSale | undefined => watch.opened.find(({ openedAtMs, process }) => openedAtMs > healedAtMs && !process.isDead)
  for (let sale = whole(); timeline.nowMs < limitMs && (sale === undefined || !isOver(sale)); sale = whole()) {
    await timeline.run(timeline.nowMs + STEP_MS, EVENTS_MAX)
  }
  for (const shopper of shoppers) shopper.stop()
  operator.retire()
  trace.add('world', 'rests')
  await timeline.run(timeline.nowMs + plan.restMs, EVENTS_MAX)
  return whole()
}
