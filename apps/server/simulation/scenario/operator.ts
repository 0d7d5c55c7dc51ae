import { SimulatedProcess, type World } from '../runtime/simulated-process.ts'
import type { Machine } from '../world/machine.ts'
import type { Random } from '../world/random.ts'

export interface OperatorOptions {
  readonly world: World
  readonly random: Random
  readonly env: Readonly<Record<string, string>>
  /** Something goes wrong in this world: starts may fail, ends be unclean. */
  readonly isTroubled: boolean
  /** Which ends nobody has caused. */
  readonly onViolation: (what: string) => void
}

/** What an instance may end with 70 for when the database fails it. */
const EXPECTED_WORDS = /^the hand-over failed|^request thread has no database connection|a request thread gave no answer within/

/** Whoever keeps the instances running: starts what has ended again, deploys, shuts down. */
export class Operator {
  readonly processes: SimulatedProcess[] = []
  readonly #options: OperatorOptions
  readonly #excused = new Map<SimulatedProcess, number>()
  #count = 0
  #isOver = false

  constructor(options: OperatorOptions) {
    this.#options = options
  }

  get living(): SimulatedProcess[] {
    return this.processes.filter((process) => !process.isDead)
  }

  on(machine: Machine): SimulatedProcess[] {
    return this.living.filter((process) => process.machine === machine)
  }

  start(machine: Machine, argv: readonly string[] = []): SimulatedProcess {
    const { world, env } = this.#options
    const name = `${machine.name}${++this.#count}`
    const process = new SimulatedProcess({
      world, machine, name, env, argv,
      onExit: (status, words) => this.#ended(process, status, words),
    })
    this.processes.push(process)
    return process
  }

  /** A new version beside the old one, which hands over to it. False: there is not exactly one that could. */
  deploy(machine: Machine): boolean {
    const running = this.on(machine)
    if (running.length !== 1 || !running[0]!.isServing) return false
    this.start(machine, ['--take-over'])
    return true
  }

  /** This process may end with this status: a fault has asked for it. */
  excuse(process: SimulatedProcess, status: number): void {
    this.#excused.set(process, status)
  }

  /** Nothing is started any more. */
  retire(): void {
    this.#isOver = true
  }

  #ended(process: SimulatedProcess, status: number | 'killed', words: string): void {
    const { world, random, onViolation } = this.#options
    world.counters.add(`exit ${status}`)
    if (!this.#isExpected(process, status, words)) onViolation(`G14: ${process.name} ended with status ${status}: ${words}`)
    if (this.#isOver) return
    world.timeline.after(random.skewed(50, 1_200), () => {
      if (!this.#isOver && this.on(process.machine).length === 0) this.start(process.machine)
    })
  }

  #isExpected(process: SimulatedProcess, status: number | 'killed', words: string): boolean {
    if (status === 'killed' || status === 0) return true
    if (!this.#options.isTroubled) return false
    if (status === 70 && EXPECTED_WORDS.test(words)) return true
    return status === 75 || status === 69 || status === 1 || this.#excused.get(process) === status
  }
}
