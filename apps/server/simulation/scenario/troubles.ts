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

const NONE: Fate = { kind: 'none' }
const REFUSED_AFTER_DOUBT = 0.3
const DEPLOY_EVERY_MS = 2_500
const BATCH = /megacache_record_/

/** Makes things go wrong until it is told to heal. */
export class Troubles implements DatabaseFaults {
  /** No new connection to the database comes about. */
  isRefusing = false
  /** Batches reach the database, and their answers nobody. */
  isLosingAnswers = false
  /** Called once, when the next sale is being written down. */
  onNewSale: (() => void) | undefined
  readonly #plan: Plan
  readonly #random: Random
  readonly #ends = new Set<() => void>()
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

  /** Does it when an instance next says this. Returns how to forget it. */
  whenSaid(message: string, begin: () => void): () => void {
    this.#awaited.set(message, begin)
    return () => this.#awaited.delete(message)
  }

  /** An instance has said something. */
  heard(message: string): void {
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
    if (this.#isHealed) return NONE
    if (this.onNewSale !== undefined && text.includes('megacache_ensure_sale(')) {
      const begin = this.onNewSale
      this.onNewSale = undefined
      begin()
      return NONE
    }
    // The text of a migration names the batches as well.
    const isMigration = text.startsWith('--')
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
