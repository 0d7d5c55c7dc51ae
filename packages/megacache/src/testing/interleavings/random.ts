import { UNLIMITED } from './machine.ts'
import { DIES, type ChoiceMade, formatSchedule, type Segment } from './schedule.ts'
import { standingWrong } from './standing-checks.ts'
import type { Progress, Theatre } from './theatre.ts'
import { endingOf, type Tally, wrongAtEnd } from './ending.ts'
import type { Wrong } from './exhaustive.ts'
import { WeakMemory } from './weak-memory.ts'

export interface RandomOptions {
  readonly seed: number
  /** At how many steps, at most, the thread with the highest priority falls behind all others. */
  readonly depthMax: number
  readonly isWeak: boolean
}

/** Accesses of a schedule after which it is taken to be endless. */
const ACCESSES_MAX = 100_000
const CALIBRATION_SCHEDULES = 64

/**
 * Random schedules by priorities: "A randomized scheduler with probabilistic guarantees of finding bugs" (Burckhardt,
 * Kothari, Musuvathi, Nagarakatte; ASPLOS 2010). The threads get priorities at random and the highest runs; at d - 1 of
 * k steps, chosen at random, the one that runs falls to the lowest priority. A fault that needs d ordering constraints among n
 * threads is found by one schedule with a probability of at least 1 / (n k^(d - 1)); k is the most steps that a schedule was seen to have.
 * As a thread that begins an attempt anew may wait for another, it falls behind, too.
 */
export class RandomSchedules<Given> {
  readonly #theatre: Theatre<Given>
  readonly #options: RandomOptions
  readonly #tally: Tally
  readonly #logs: number[][]
  readonly #progress: Progress[] = []
  readonly #accesses: number[] = []
  readonly #priorities: number[] = []
  readonly #changesAt: number[] = []
  readonly #segments: Segment[] = []
  readonly #choices: ChoiceMade[] = []
  readonly #random = new SmallRandom()
  #stepsMax = 10
  #running = 0
  #isCalibrated = false
  schedules = 0
  /** Schedules that hung on an early read which did not come true. They say nothing. */
  void = 0

  constructor(theatre: Theatre<Given>, options: RandomOptions, tally: Tally) {
    this.#theatre = theatre
    this.#options = options
    this.#tally = tally
    this.#logs = theatre.names.map(() => [])
    const { machine } = theatre
    machine.isEverythingScheduled = false
    machine.isForgetful = false
    machine.weak = options.isWeak ? new WeakMemory(theatre.names.length) : undefined
    machine.pick = (count) => this.#pick(count)
  }

  /** Learns from the first schedules which words are shared and how many steps there are. */
  calibrate(): Wrong | undefined {
    for (let number = 0; number < CALIBRATION_SCHEDULES; number++) {
      const wrong = this.run(number)
      if (wrong !== undefined) return wrong
    }
    this.#isCalibrated = true
    return undefined
  }

  /** Runs schedule `number` of the seed. */
  run(number: number): Wrong | undefined {
    const theatre = this.#theatre
    const { machine, world } = theatre
    this.#begin(number)
    const deathAt = world.mayDie === undefined ? -1 : this.#random.below(this.#stepsMax)
    const dying = world.mayDie === undefined ? -1 : theatre.names.indexOf(world.mayDie)
    let steps = 0
    let dyingSteps = 0
    let lowest = -1
    let total = 0
    let what: string | undefined
    let isOver = false
    while (!isOver) {
      const thread = this.#highest()
      if (thread < 0) break
      this.#running = thread
      const change = this.#changesAt.at(-1) ?? UNLIMITED
      const untilDeath = thread === dying ? deathAt - dyingSteps : UNLIMITED
      if (untilDeath <= 0) {
        this.#progress[thread] = { state: 'died' }
        this.#segments.push({ thread, accesses: DIES })
        machine.coverage.happened('died')
        continue
      }
      machine.isYielding = this.#runningCount() > 1
      const progress = theatre.run(thread, this.#logs[thread]!, Math.min(change - steps, untilDeath), ACCESSES_MAX)
      steps += machine.pointsMade
      if (thread === dying) dyingSteps += machine.pointsMade
      total += machine.accessesMade
      this.#accesses[thread]! += machine.accessesMade
      this.#segments.push({ thread, accesses: machine.accessesMade })
      this.#progress[thread] = progress
      if (total > ACCESSES_MAX) what = `no end after ${ACCESSES_MAX} accesses`
      what ??= progress.fault ?? standingWrong(theatre) ?? world.always?.(theatre.observer)
      machine.fault = undefined
      // What is wrong after an early read must wait for it to come true.
      isOver = what !== undefined && (machine.weak?.isOpen !== true || total > ACCESSES_MAX)
      if (steps >= change) this.#changesAt.pop()
      this.#priorities[thread] = lowest--
    }
    return this.#finish(what, steps)
  }

  #begin(number: number): void {
    const { machine, names } = this.#theatre
    const random = this.#random
    random.seed(this.#options.seed, number)
    machine.restore(undefined)
    machine.weak?.restore(undefined)
    this.#segments.length = this.#choices.length = 0
    for (let thread = 0; thread < names.length; thread++) {
      this.#logs[thread]!.length = 0
      this.#progress[thread] = RUNNING
      this.#accesses[thread] = 0
      // Above all that a thread falls to.
      this.#priorities[thread] = random.below(0x4000_0000)
    }
    this.#changesAt.length = 0
    for (let change = random.below(this.#options.depthMax); change > 0; change--) this.#changesAt.push(1 + random.below(this.#stepsMax))
    this.#changesAt.sort((a, b) => b - a)
  }

  #finish(wrong: string | undefined, steps: number): Wrong | undefined {
    const { machine } = this.#theatre
    if (machine.weak?.isOpen === true) {
      this.void++
      return undefined
    }
    this.schedules++
    const what = wrong ?? wrongAtEnd(this.#theatre, this.#progress)
    if (what === undefined) {
      if (!this.#isCalibrated) this.#stepsMax = Math.max(this.#stepsMax, steps)
      this.#tally.ended(endingOf(this.#theatre, this.#progress))
      return undefined
    }
    return { what, schedule: formatSchedule({ segments: this.#segments, choices: this.#choices }) }
  }

  /** The newest value most of the time and an early one seldom; each choice of the world with the same chance. */
  #pick(count: number): number {
    const { machine } = this.#theatre
    const random = this.#random
    const visible = machine.isChoosing ? count : machine.weak!.earlyFrom
    let choice = 0
    if (count > visible && random.below(128) === 0) choice = visible + random.below(count - visible)
    else if (machine.isChoosing || random.below(4) === 0) choice = random.below(visible)
    if (choice > 0) this.#choices.push(machine.choiceMade(this.#accesses[this.#running]!, choice))
    return choice
  }

  #highest(): number {
    let highest = -1
    for (let thread = 0; thread < this.#progress.length; thread++) {
      if (this.#progress[thread]!.state !== 'running') continue
      if (highest < 0 || this.#priorities[thread]! > this.#priorities[highest]!) highest = thread
    }
    return highest
  }

  #runningCount(): number {
    let count = 0
    for (const { state } of this.#progress) if (state === 'running') count++
    return count
  }
}

/** A small generator (xorshift), seeded by two numbers: the stream of one schedule. */
class SmallRandom {
  #state = 1

  seed(seed: number, number: number): void {
    let mixed = Math.imul(seed ^ 0x5bd1e995, 0x85ebca6b) ^ Math.imul(number + 1, 0x9e3779b1)
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d)
    this.#state = (mixed ^ (mixed >>> 15)) || 1
    this.#next()
  }

  /** From 0 to `bound` - 1. */
  below(bound: number): number {
    return Math.floor((this.#next() >>> 0) / 4_294_967_296 * bound)
  }

  #next(): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return this.#state = state
  }
}

const RUNNING: Progress = Object.freeze({ state: 'running' })
