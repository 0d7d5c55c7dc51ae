import type { Kind, Trial, Trials } from '../kind.ts'
import { Growth, sampleOf } from '../soak/growth.ts'
import { liveThrough } from '../soak/segment.ts'
import { SoakWorld } from '../soak/soak-world.ts'

export const soak: Kind = {
  name: 'soak',
  summary: 'a long life in short: sales of three seconds under load, real faults one after the other, every answer judged, nothing grows',
  goals: { operations: { small: 100_000, long: 10_000_000 }, faults: { small: 10, long: 2_000 }, sales: { small: 5, long: 1_000 } },
  run: async (trials) => {
    const life = new Life(trials)
    try {
      await trials.each((trial) => life.segment(trial))
    } finally {
      await life.end()
    }
  },
}

/** The world lives on from one trial to the next, unless one fails: the next one must not suffer for it. */
class Life {
  readonly #trials: Trials
  #world: SoakWorld | undefined
  #growth = new Growth()

  constructor(trials: Trials) {
    this.#trials = trials
  }

  async segment({ seed, fixture, random }: Trial): Promise<void> {
    let isGood = false
    fixture.defer(() => (isGood ? undefined : this.end()))
    this.#world ??= await SoakWorld.start()
    const world = this.#world
    fixture.servers.push(world.server)
    world.onServer = (server) => fixture.servers.push(server)
    const segment = await liveThrough(world, random)
    this.#count(segment)
    await this.#expectNoGrowth(world, seed)
    isGood = true
  }

  async end(): Promise<void> {
    const world = this.#world
    this.#world = undefined
    this.#growth = new Growth()
    await world?.end()
  }

  #count({ operations, faults, sales, quietSales, soldOut, longestMs }: Awaited<ReturnType<typeof liveThrough>>): void {
    const trials = this.#trials
    trials.count('operations', operations)
    trials.count('faults', faults.length)
    trials.count('sales', sales)
    trials.count('sales without a fault', quietSales)
    trials.count('sales sold out', soldOut)
    for (const { name } of faults) trials.count(`fault: ${name}`)
    trials.peak('longest answer in ms', longestMs)
  }

  async #expectNoGrowth(world: SoakWorld, seed: number): Promise<void> {
    const before = await sampleOf(world)
    await world.forgetSales(seed)
    const { databaseMb } = await sampleOf(world)
    const sample = { ...before, databaseMb }
    for (const [name, value] of Object.entries(sample)) this.#trials.peak(name, value)
    this.#trials.peak('database in MB before it forgets', before.databaseMb)
    const wrong = this.#growth.add(sample)
    if (wrong.length > 0) throw new Error(wrong.join('\n'))
  }
}
