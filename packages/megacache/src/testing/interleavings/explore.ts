import { Coverage } from './coverage.ts'
import { Tally } from './ending.ts'
import { Exhaustive, type Wrong } from './exhaustive.ts'
import { loadEngine } from './load-engine.ts'
import { RandomSchedules } from './random.ts'
import { type Replay, runSchedule } from './replay.ts'
import { Theatre } from './theatre.ts'
import type { WatchedEngine } from './watched-bundle.ts'
import type { World } from './world.ts'

export interface ExploreOptions {
  /** So many random schedules instead of all of them. */
  readonly schedules?: number
  /** Of the random schedules. The same seed gives the same schedules. An integer; default 1. */
  readonly seed?: number
  /** The number of the first random schedule: for going on where another exploration has ended. Default 0. */
  readonly from?: number
  /** Stops random schedules after so many milliseconds, whatever `schedules` says. Default: never. */
  readonly timeMaxMs?: number
  /** Random: a schedule has fewer than so many changes of priority. Default 5. */
  readonly depthMax?: number
  /**
   * `sequential`: memory is one, accesses happen in the order of the program (the default). `weak`: plain reads may be
   * stale or early as the ECMAScript memory model allows, see weak-memory.ts. Weak worlds have many more states.
   */
  readonly memory?: 'sequential' | 'weak'
  /** Exhaustive: gives up, by an error, beyond so many states. Default 2,000,000. */
  readonly statesMax?: number
  /** Exhaustive: how often each thread may begin an attempt anew; ways with more are `left`. Default 2. */
  readonly attemptsMax?: number
  /** Exhaustive: how often a thread that could go on may be interrupted by another. Default: any number. */
  readonly preemptionsMax?: number
  /** Exhaustive: accesses that no other thread can notice are scheduling points as well. Slow; changes no outcome. Default false. */
  readonly isEverythingScheduled?: boolean
  /** Exhaustive: states that agree are explored once. Without it small worlds take very long; changes no outcome. Default true. */
  readonly isPruned?: boolean
  /** An engine other than this package's own: with a bug, in tests of the tests. */
  readonly engine?: WatchedEngine
}

export interface Exploration {
  /** What is wrong, and how to see it again; undefined when nothing is. */
  readonly wrong: Wrong | undefined
  /** Exhaustive: states seen. Random: 0. */
  readonly states: number
  /** Random: schedules run. */
  readonly schedules: number
  /** Exhaustive: ways not followed because of `attemptsMax` or `preemptionsMax`. */
  readonly left: number
  /** How often the threads' results were which: `alice true; bob "item_reserved"`. */
  readonly outcomes: Readonly<Record<string, number>>
  /** How often each transition was made, each compare-and-swap lost, and other things happened. See coverage.ts. */
  readonly coverage: Readonly<Record<string, number>>
}

/**
 * Runs the threads of a world on the engine's own code in every order of their shared accesses, or with `schedules`
 * in so many random ones, and looks for what is wrong: what `always` and `atEnd` of the world say, a thread that
 * throws, and what must hold in every world (standing-checks.ts). Ends at the first thing wrong and returns it.
 *
 * One exploration at a time in a thread. Throws what the world's own functions throw outside of its threads.
 *
 * ```ts
 * const { wrong, outcomes } = await explore({
 *   sale: { items: 1, userLimit: 1, reservationTtlMs: 1000 },
 *   threads: {
 *     alice: ({ sale }) => sale.checkout(1, 0).ok,
 *     bob: ({ sale }) => sale.checkout(2, 0).ok,
 *   },
 *   atEnd: ({ results }) => results.alice === results.bob ? 'not exactly one of them got it' : undefined,
 * })
 * ```
 */
export async function explore<Given = undefined>(world: World<Given>, options: ExploreOptions = {}): Promise<Exploration> {
  const engine = options.engine ?? await loadEngine()
  const theatre = new Theatre(engine, world)
  const tally = new Tally()
  const explored = options.schedules === undefined && options.timeMaxMs === undefined
    ? exhaust(theatre, tally, options) : sample(theatre, tally, options)
  const { coverage, weak } = theatre.machine
  coverage.happened('stale read', weak?.staleReads)
  coverage.happened('early read', weak?.earlyReads)
  return { ...explored, outcomes: Object.fromEntries(tally.outcomes), coverage: coverage.counts() }
}

/**
 * Runs one schedule again, as `explore` has reported it, and tells every access. Of an engine or a world that has changed since,
 * it may be another schedule than it was; a RangeError says when it cannot be one.
 */
export async function replay<Given = undefined>(
  world: World<Given>, schedule: string, { engine }: Pick<ExploreOptions, 'engine'> = {},
): Promise<Replay> {
  return runSchedule(new Theatre(engine ?? await loadEngine(), world), schedule)
}

type Explored = Omit<Exploration, 'outcomes' | 'coverage'>

function exhaust<Given>(theatre: Theatre<Given>, tally: Tally, options: ExploreOptions): Explored {
  const {
    memory = 'sequential', statesMax = 2_000_000, attemptsMax = 2, preemptionsMax = Infinity,
    isEverythingScheduled = false, isPruned = true,
  } = options
  const exhaustive = new Exhaustive(theatre, {
    isWeak: memory === 'weak', statesMax, attemptsMax, preemptionsMax, isEverythingScheduled, isPruned,
  }, tally)
  const wrong = exhaustive.explore()
  return { wrong, states: exhaustive.states, schedules: 0, left: exhaustive.left }
}

function sample<Given>(theatre: Theatre<Given>, tally: Tally, options: ExploreOptions): Explored {
  const { memory = 'sequential', schedules = Infinity, seed = 1, from = 0, timeMaxMs = Infinity, depthMax = 5 } = options
  const random = new RandomSchedules(theatre, { isWeak: memory === 'weak', seed, depthMax }, tally)
  const until = performance.now() + timeMaxMs
  let wrong = random.calibrate()
  if (wrong === undefined) {
    // What was run to learn from is run again and counted then.
    tally.clear()
    theatre.machine.coverage = new Coverage()
    random.schedules = 0
  }
  for (let number = from; wrong === undefined && number < from + schedules; number++) {
    if ((number & 255) === 0 && performance.now() > until) break
    wrong = random.run(number)
  }
  return { wrong, states: 0, schedules: random.schedules, left: 0 }
}
