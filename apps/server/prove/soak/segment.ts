import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../simulation/world/random.ts'
import { possibleFaults } from './faults.ts'
import { type FaultSpan, type JudgedSales, judgeSales, MARGIN_MS } from './judge-sales.ts'
import { currentSaleId, MixedLoad } from './mixed-load.ts'
import { type SoakWorld, TERMS } from './soak-world.ts'

/** Faults of one segment, all different. */
const FAULTS = 5
/** Between the end of one and the begin of the next. */
const GAP_MS_MIN = 100
const GAP_MS_MAX = 2_000

export interface Segment extends JudgedSales {
  readonly faults: readonly FaultSpan[]
  readonly longestMs: number
}

/** Half a minute of a long life: sale after sale under load, one fault after the other, and at the end everything is judged. */
export async function liveThrough(world: SoakWorld, random: Random): Promise<Segment> {
  const load = await beginLoad(world, random.stream('load'))
  const faults: FaultSpan[] = []
  try {
    await breakThings(world, random.stream('faults'), load, faults)
    // A sale in which everything is well, and what was left over from before it.
    await sleep(MARGIN_MS)
    await sleep(nextBoundaryMs() + TERMS.periodMs + 100 - Date.now())
  } finally {
    await load.stop()
  }
  const untilMs = load.calls.nowMs()
  await sleep(TERMS.reservationTtlMs + 200)
  world.expectAlive('everything')
  await world.expectAtRest()
  const { calls } = load
  if (calls.strange.length > 0) throw new Error(calls.strange.slice(0, 5).join('\n'))
  const judged = await judgeSales({ database: world.database, history: { runs: [load.run], calls: calls.calls }, faults, untilMs })
  return { ...judged, faults, longestMs: Math.round(calls.longestMs) }
}

/** At the begin of a sale that nobody has touched. */
async function beginLoad(world: SoakWorld, random: Random): Promise<MixedLoad> {
  await sleep(nextBoundaryMs() + 50 - Date.now())
  const load = new MixedLoad(() => world.server.url, random, currentSaleId())
  load.start()
  return load
}

async function breakThings(world: SoakWorld, random: Random, load: MixedLoad, faults: FaultSpan[]): Promise<void> {
  const left = [...possibleFaults(world)]
  for (let count = 0; count < FAULTS; count++) {
    await sleep(random.between(GAP_MS_MIN, GAP_MS_MAX))
    const [fault] = left.splice(random.integer(0, left.length - 1), 1)
    if (fault === undefined) return
    world.expectAlive('nothing in particular')
    const fromMs = Date.now()
    try {
      await fault.run(world, random.stream(fault.name), load.calls)
      await world.expectServing(fault.name)
    } catch (error) {
      throw new Error(`fault "${fault.name}": ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
    faults.push({ name: fault.name, fromMs, untilMs: Date.now() })
  }
}

function nextBoundaryMs(): number {
  return currentSaleId() * 1000 + TERMS.periodMs
}
