import { EXPLORER, type Watcher } from './engine-copy.ts'

export type Memory = Int32Array<SharedArrayBuffer>

/** One thread's program: runs the engine; what it returns is what the thread saw. */
export type Program = () => string

export interface Scenario {
  readonly memory: Memory
  /** Words outside this range are set up once and never change. */
  readonly from: number
  readonly to: number
  /** These words are always 0: no thread decides anything by them. */
  readonly isQuiet: (index: number) => boolean
  readonly programs: readonly Program[]
  /** How often each thread may begin an attempt anew; ways with more are left. Default 1. */
  readonly attemptsMax?: number
  /** How often a thread that could go on may be interrupted by another, over all threads. Default: any number. */
  readonly preemptionsMax?: number
  /** Whether other threads may come between an atomic access and the plain ones after it. Default true. */
  readonly arePlainScheduled?: boolean
  /** Accesses of these words follow the one before at once: a part that is explored by itself elsewhere. */
  readonly isMerged?: (index: number) => boolean
  /** What is wrong in this state; undefined when nothing is. Runs after every step, unscheduled. */
  readonly invariant: () => string | undefined
  /** The same when all programs have ended; it may call the engine. */
  readonly atEnd: (results: readonly string[]) => string | undefined
}

export interface Exploration {
  readonly wrong: string | undefined
  readonly states: number
  readonly ends: number
}

interface State {
  readonly words: Int32Array
  readonly threads: readonly Thread[]
  readonly last: number
  readonly preemptions: number
}

/** What a thread has observed so far determines where it is: running it again with the same answers leads there. */
interface Thread {
  readonly answers: readonly number[]
  readonly attempts: number
  readonly result: string | undefined
  readonly fault?: string
}

class Suspended extends Error {}

/**
 * Runs the programs in every order in which their shared accesses can be interleaved, depth first; states that
 * agree in memory and in what each thread has seen are explored once. A thread is advanced by running its program
 * again from the start with the answers that it got, then one access more.
 */
export function explore(scenario: Scenario, statesMax = 600_000): Exploration {
  const { memory, from, to, programs, attemptsMax = 1, preemptionsMax = Infinity } = scenario
  const seen = new Set<number>()
  const stack: State[] = [{
    words: memory.slice(from, to),
    threads: programs.map(() => ({ answers: [], attempts: 0, result: undefined })),
    last: -1,
    preemptions: 0,
  }]
  let ends = 0
  for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
    let isEnd = true
    for (const [index, thread] of state.threads.entries()) {
      if (thread.result !== undefined) continue
      isEnd = false
      if (thread.attempts > attemptsMax) continue
      const isPreempted = state.last >= 0 && state.last !== index && state.threads[state.last]!.result === undefined
      const preemptions = isPreempted ? state.preemptions + 1 : state.preemptions
      if (preemptions > preemptionsMax) continue
      memory.set(state.words, from)
      const threads = state.threads.with(index, advance(scenario, programs[index]!, thread))
      const wrong = threads[index]!.fault ?? unscheduled(scenario.invariant)
      if (wrong !== undefined) return { wrong, states: seen.size, ends }
      const words = memory.slice(from, to)
      const key = hashOf(words, threads, preemptionsMax === Infinity ? 0 : index * 64 + preemptions)
      if (seen.has(key)) continue
      seen.add(key)
      if (seen.size > statesMax) throw new Error(`more than ${statesMax} states`)
      stack.push({ words, threads, last: index, preemptions })
    }
    if (!isEnd) continue
    ends++
    memory.set(state.words, from)
    const wrong = unscheduled(() => scenario.atEnd(state.threads.map(({ result }) => result!)))
    if (wrong !== undefined) return { wrong, states: seen.size, ends }
  }
  return { wrong: undefined, states: seen.size, ends }
}

/** Runs something with accesses that are not scheduled. */
export function unscheduled<T>(run: () => T): T {
  watch({ access: (_index, _isPlain, act) => act(), attempts: () => () => undefined })
  return run()
}

/** A shared access of a program's own, outside the engine. */
export function access(index: number, act: () => number): number {
  return (globalThis as { [EXPLORER]?: Watcher })[EXPLORER]!.access(index, false, act)
}

function advance(scenario: Scenario, program: Program, thread: Thread): Thread {
  const { isQuiet, arePlainScheduled = true, isMerged = () => false } = scenario
  const answers = [...thread.answers]
  let { attempts } = thread
  let next = 0
  let isStepTaken = false
  watch({
    access(index, isPlain, act) {
      if (isQuiet(index)) return 0
      if (next < answers.length) return answers[next++]!
      const isPoint = !isMerged(index) && (arePlainScheduled || !isPlain)
      if (isStepTaken && isPoint) throw new Suspended()
      isStepTaken = true
      next++
      const answer = act()
      answers.push(answer)
      return answer
    },
    attempts() {
      const known = next
      return () => {
        attempts++
        answers.length = known
        next = known
      }
    },
  })
  try {
    return { result: program(), attempts, answers }
  } catch (error) {
    if (error instanceof Suspended) return { result: undefined, attempts, answers }
    return { result: '', attempts, answers, fault: String(error) }
  }
}

function watch(watcher: Watcher): void {
  (globalThis as { [EXPLORER]?: Watcher })[EXPLORER] = watcher
}

/** 53 bits: among a million states a false match has a chance of one in ten thousand. */
function hashOf(words: Int32Array, threads: readonly Thread[], schedule: number): number {
  let high = 17 + schedule
  let low = 91
  for (const word of words) {
    high = mix(high, word)
    low = mix(low, Math.imul(word, 0x9e3779b1) + 1)
  }
  for (const { answers, attempts, result } of threads) {
    const length = (answers.length * 16 + attempts) * 2 + (result === undefined ? 0 : 1)
    high = mix(high, length)
    low = mix(low, length)
    for (const answer of answers) {
      high = mix(high, answer)
      low = mix(low, Math.imul(answer, 0x9e3779b1) + 1)
    }
  }
  return (high >>> 0) * 2_097_152 + ((low >>> 0) & 0x1f_ffff)
}

function mix(hash: number, value: number): number {
  let mixed = Math.imul(hash ^ value, 0x85ebca6b) + 0x27d4eb2f
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35)
  return mixed ^ (mixed >>> 13)
}
