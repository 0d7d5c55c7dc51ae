import { UNLIMITED } from './machine.ts'
import { DIES, type ChoiceMade, formatSchedule, type Segment } from './schedule.ts'
import { standingWrong } from './standing-checks.ts'
import { Hash, StateSet } from './state-set.ts'
import type { Progress, Theatre } from './theatre.ts'
import { endingOf, type Tally, wrongAtEnd } from './ending.ts'
import { WeakMemory, type WeakState } from './weak-memory.ts'

export interface ExhaustiveOptions {
  readonly isWeak: boolean
  readonly isEverythingScheduled: boolean
  readonly isPruned: boolean
  readonly statesMax: number
  readonly attemptsMax: number
  readonly preemptionsMax: number
}

/** A state of the world, and the way on which it was found. */
interface State {
  readonly values: Int32Array
  readonly weak: WeakState | undefined
  readonly threads: readonly Thread[]
  readonly way: Way | undefined
  readonly preemptions: number
  /** What is wrong here if the early read that is open comes true. */
  readonly doubt: string | undefined
}

interface Thread extends Progress {
  readonly log: readonly number[]
  readonly attempts: number
  readonly accesses: number
}

interface Way extends Segment {
  readonly before: Way | undefined
  readonly choice: ChoiceMade | undefined
}

/** What is wrong, and the schedule that leads there. */
export interface Wrong {
  readonly what: string
  readonly schedule: string
}

/**
 * Runs the threads in every order of their scheduling points, depth first.
 *
 * States that agree are explored once. Where a thread is follows from the answers that it got, so two states that agree in
 * every thread's answers, in all words, and with weak memory in what each thread may still see, have the same
 * futures: leaving the second loses nothing.
 */
export class Exhaustive<Given> {
  readonly #theatre: Theatre<Given>
  readonly #options: ExhaustiveOptions
  readonly #tally: Tally
  readonly #seen = new StateSet()
  readonly #hash = new Hash()
  readonly #stack: State[] = []
  states = 0
  /** Ways not followed, because a thread had made all its attempts or was interrupted as often as allowed. */
  left = 0

  constructor(theatre: Theatre<Given>, options: ExhaustiveOptions, tally: Tally) {
    this.#theatre = theatre
    this.#options = options
    this.#tally = tally
    const { machine } = theatre
    machine.isEverythingScheduled = options.isEverythingScheduled
    machine.isForgetful = true
    machine.isYielding = false
    machine.weak = options.isWeak ? new WeakMemory(theatre.names.length) : undefined
  }

  /** Returns what is wrong, if anything is. Throws when there are more states than `statesMax`. */
  explore(): Wrong | undefined {
    const { machine } = this.#theatre
    for (;;) {
      machine.addresses.hasGrown = false
      if (machine.weak !== undefined) machine.weak.hasGrown = false
      const wrong = this.#once()
      if (wrong !== undefined) return wrong
      // Complete only if nothing was found out on the way that would have meant more scheduling points or choices.
      if (!machine.addresses.hasGrown && machine.weak?.hasGrown !== true) return undefined
    }
  }

  #once(): Wrong | undefined {
    const { machine, names } = this.#theatre
    this.#seen.clear()
    this.#tally.clear()
    this.states = this.left = 0
    machine.restore(undefined)
    machine.weak?.restore(undefined)
    const threads = names.map((): Thread => ({ state: 'running', log: [], attempts: 0, accesses: 0 }))
    this.#stack.push({ values: machine.save(), weak: machine.weak?.save(), threads, way: undefined, preemptions: 0, doubt: undefined })
    try {
      for (let state = this.#stack.pop(); state !== undefined; state = this.#stack.pop()) {
        const wrong = this.#expand(state)
        if (wrong !== undefined) return wrong
        if (machine.addresses.hasGrown) return undefined
      }
      return undefined
    } finally {
      this.#stack.length = 0
    }
  }

  #expand(state: State): Wrong | undefined {
    let isEnd = true
    for (let index = 0; index < state.threads.length; index++) {
      const thread = state.threads[index]!
      if (thread.state !== 'running') continue
      isEnd = false
      const last = state.way?.thread ?? index
      const isPreempted = last !== index && state.threads[last]!.state === 'running'
      const preemptions = state.preemptions + (isPreempted ? 1 : 0)
      if (preemptions > this.#options.preemptionsMax || thread.attempts > this.#options.attemptsMax) {
        this.left++
        continue
      }
      const wrong = this.#advance(state, index, preemptions)
      if (wrong !== undefined) return wrong
    }
    return isEnd ? this.#atEnd(state) : undefined
  }

  /** One scheduling point further, in every way that is open there. */
  #advance(state: State, index: number, preemptions: number): Wrong | undefined {
    const theatre = this.#theatre
    const { machine } = theatre
    const thread = state.threads[index]!
    let options = 1
    for (let choice = 0; choice < options; choice++) {
      machine.restore(state.values)
      machine.weak?.restore(state.weak)
      let made: ChoiceMade | undefined
      machine.pick = (count) => {
        options = count
        if (choice > 0) made = machine.choiceMade(thread.accesses, choice)
        return choice
      }
      const progress = theatre.run(index, thread.log.slice(), 1, UNLIMITED)
      const accesses = thread.accesses + machine.accessesMade
      const way: Way = { thread: index, accesses: machine.accessesMade, choice: made, before: state.way }
      const what = state.doubt ?? progress.fault ?? machine.fault ?? standingWrong(theatre) ?? this.#always()
      machine.fault = undefined
      const isOpen = machine.weak?.isOpen === true
      if (what !== undefined && !isOpen) return wrongOn(what, way)
      const next: Thread = { ...progress, log: machine.log, attempts: thread.attempts + machine.attemptsMade, accesses }
      this.#found(state.threads.with(index, next), way, preemptions, what)
      if (next.state === 'running' && theatre.world.mayDie === theatre.names[index]) {
        machine.coverage.happened('died')
        const death: Way = { thread: index, accesses: DIES, choice: undefined, before: way }
        this.#found(state.threads.with(index, { ...next, state: 'died' }), death, preemptions, what)
      }
    }
    return undefined
  }

  #found(threads: readonly Thread[], way: Way, preemptions: number, doubt: string | undefined): void {
    const { machine } = this.#theatre
    if (this.#options.isPruned && !this.#isNew(threads, way.thread, preemptions, doubt)) return
    this.states++
    if (this.states > this.#options.statesMax) throw new Error(`the world has more than ${this.#options.statesMax} states`)
    this.#stack.push({ values: machine.save(), weak: machine.weak?.save(), threads, way, preemptions, doubt })
  }

  #isNew(threads: readonly Thread[], last: number, preemptions: number, doubt: string | undefined): boolean {
    const { machine } = this.#theatre
    const hash = this.#hash
    hash.begin()
    if (doubt !== undefined) hash.mix(1)
    machine.hash(hash.mix)
    machine.weak?.hash(hash.mix)
    for (const { log, state, attempts } of threads) {
      hash.mix(log.length * 4 + (state === 'running' ? 0 : state === 'ended' ? 1 : 2))
      hash.mix(attempts)
      for (let i = 0; i < log.length; i++) hash.mix(log[i]!)
    }
    if (this.#options.preemptionsMax !== Infinity) hash.mix(last * 64 + preemptions)
    return this.#seen.add(hash.low, hash.high)
  }

  #always(): string | undefined {
    const { world, observer } = this.#theatre
    return world.always?.(observer)
  }

  #atEnd(state: State): Wrong | undefined {
    const { machine } = this.#theatre
    machine.restore(state.values)
    machine.weak?.restore(state.weak)
    if (machine.weak?.isOpen === true) return undefined
    const what = wrongAtEnd(this.#theatre, state.threads)
    this.#tally.ended(endingOf(this.#theatre, state.threads))
    return what === undefined ? undefined : wrongOn(what, state.way)
  }
}

function wrongOn(what: string, last: Way | undefined): Wrong {
  const segments: Segment[] = []
  const choices: ChoiceMade[] = []
  for (let way = last; way !== undefined; way = way.before) {
    segments.unshift(way)
    if (way.choice !== undefined) choices.unshift(way.choice)
  }
  return { what, schedule: formatSchedule({ segments, choices }) }
}
