import type { SimulatedPostgres } from '../postgres/simulated-postgres.ts'
import type { DatabaseFaults, Fate } from '../runtime/database-network.ts'
import type { World } from '../runtime/simulated-process.ts'
import type { SimulatedThread } from '../runtime/simulated-thread.ts'
import type { Machine } from '../world/machine.ts'
import type { Random } from '../world/random.ts'
import { FAULTS } from './faults.ts'
import type { Operator } from './operator.ts'
import type { Plan } from './plan.ts'
import { drawFate, drawRefusal } from './statement-faults.ts'

/** What a fault can reach. */
export interface Reach {
  readonly world: World
  readonly operator: Operator
  readonly postgres: SimulatedPostgres
  readonly machines: readonly Machine[]
  readonly troubles: Troubles
}

/** What happens to a statement; undefined leaves it to chance. */
export type Interceptor = (text: string, thread: SimulatedThread) => Fate | undefined

const NONE: Fate = { kind: 'none' }
const REFUSED_AFTER_DOUBT = 0.3
const DEPLOY_EVERY_MS = 2_500
/** Less than what is parked waits; and less than a reservation lives, which would be refused for being over. */
const RACE_STALL_MS_MAX = 700
const BATCH = /megacache_record_/

/** Makes things go wrong until it is told to heal. */
export class Troubles implements DatabaseFaults {
  /** No new connection to the database comes about. */
  isRefusing = false
  /** Batches reach the database, and their answers nobody. */
  isLosingAnswers = false
  /** Makes all clients ask at once. */
  crowd: () => void = () => {}
  readonly #plan: Plan
  readonly #random: Random
  readonly #ends = new Set<() => void>()
  readonly #interceptors = new Set<Interceptor>()
  /** Threads whose last batch may have been written without their knowing. */
  readonly #doubting = new WeakSet<SimulatedThread>()
  /** Called once, when an instance next says this. */
  readonly #awaited = new Map<string, () => void>()
  #reach: Reach | undefined
  #isHealed = false

  constructor(plan: Plan, random: Random) {
    this.#plan = plan
    this.#random = random
  }

  begin(reach: Omit<Reach, 'troubles'>): void {
    this.#reach = { ...reach, troubles: this }
    if (this.#plan.mood === 'deploys') this.#deployAgain()
    this.#later()
  }

  /** Everything that lasts ends, and nothing new begins. */
  heal(): void {
    this.#isHealed = true
    for (const end of this.#ends) end()
  }

  /** Decides from now on what happens to the statements that it has an answer for. Returns how to end it. */
  intercept(interceptor: Interceptor): () => void {
    this.#interceptors.add(interceptor)
    return () => this.#interceptors.delete(interceptor)
  }

  /** Does it when an instance next says this. Returns how to forget it. */
  whenSaid(message: string, begin: () => void): () => void {
    this.#awaited.set(message, begin)
    return () => this.#awaited.delete(message)
  }

  /** An instance has said something. */
  heard(message: string): void {
    if (message === 'another instance is active, waiting for its lease') this.#race()
    if (message === 'handing over') this.crowd()
    const begin = this.#awaited.get(message)
    this.#awaited.delete(message)
    begin?.()
  }

  fateOf(text: string, thread: SimulatedThread): Fate {
    const fate = this.#draw(text, thread)
    if (fate.kind === 'lostAfter' || fate.kind === 'late') this.#doubting.add(thread)
    return fate
  }

  #draw(text: string, thread: SimulatedThread): Fate {
    const { statementFaults, hangs } = this.#plan
    // The text of a migration names the batches as well.
    const isMigration = text.startsWith('--')
    for (const interceptor of isMigration ? [] : this.#interceptors) {
      const fate = interceptor(text, thread)
      if (fate !== undefined) return fate
    }
    if (this.#isHealed) return NONE
    const isBatch = !isMigration && BATCH.test(text)
    if (isBatch && this.isLosingAnswers) return { kind: 'lostAfter' }
    // Trouble seldom comes alone: what is sent again is often refused.
    if (isBatch && this.#doubting.delete(thread) && this.#random.chance(REFUSED_AFTER_DOUBT)) {
      this.#reach?.world.counters.add(`refused after a doubt: ${text.slice(0, 32)}`)
      return drawRefusal(this.#random)
    }
    if (!this.#random.chance(statementFaults)) return NONE
    // Rare statements are many more; batches are what matters.
    if (!isBatch && this.#random.chance(0.7)) return NONE
    // A migration may take long, so a silent one is given up only after ten minutes.
    return drawFate(this.#random, (hangs === 'everywhere' && !isMigration) || (hangs === 'batches' && isBatch))
  }

  refusesConnection(): boolean {
    return this.isRefusing
  }

  /** Every hand-over has rows queued, answers owed and look-ups pending: clients crowd, and often the disk is slow just then. */
  #race(): void {
    const { postgres } = this.#reach!
    if (this.#random.chance(0.6)) postgres.log.stall(this.#random.between(10, Math.min(RACE_STALL_MS_MAX, this.#plan.ttlMs / 3)))
    this.crowd()
  }

  #later(): void {
    const { troubleEveryMs } = this.#plan
    if (this.#isHealed || !Number.isFinite(troubleEveryMs)) return
    this.#reach?.world.timeline.after(this.#random.between(0.2, 1.8) * troubleEveryMs, () => {
      if (this.#isHealed) return
      this.#strike()
      this.#later()
    })
  }

  #strike(): void {
    const reach = this.#reach
    if (reach === undefined) return
    const allowed = FAULTS.filter(({ name }) => this.#plan.faults.includes(name))
    let left = this.#random.fraction() * allowed.reduce((sum, { weight }) => sum + weight, 0)
    const fault = allowed.find(({ weight }) => (left -= weight) < 0) ?? allowed[0]
    if (fault === undefined) return
    const end = fault.strike(reach, this.#random)
    reach.world.trace.add('FAULT', `${fault.name}${end === false ? ': nothing to hit' : ''}`)
    if (end === false) return
    reach.world.counters.add(`fault: ${fault.name}`)
    if (end !== undefined) this.#ends.add(end)
  }

  #deployAgain(): void {
    this.#reach?.world.timeline.after(this.#random.between(0.6, 1.4) * DEPLOY_EVERY_MS, () => {
      if (this.#isHealed) return
      const { operator, machines } = this.#reach!
      operator.deploy(machines[0]!)
      this.#deployAgain()
    })
  }
}
