import type { Random } from '../../simulation/world/random.ts'
import type { Kind, Trials } from '../kind.ts'
import { Lane } from '../take-overs/lane.ts'
import { Starts } from '../take-overs/starts.ts'

/** Databases attacked at once: most of a cycle is waiting for the lease to grow stale. */
const LANES = 3
const CYCLES_PER_LANE = 2
/** An instance that kept its lease makes a try that does not count. */
const TRIES_MAX = 5

export const takeOvers: Kind = {
  name: 'take-overs',
  summary: 'the active instance is paused for longer than its lease, under load, and runs again when another is active',
  goals: { cycles: { small: 5, long: 200 } },
  run: async (trials) => {
    await trials.each(async ({ fixture, random }) => {
      const starts = new Starts()
      const open = async (index: number): Promise<Lane> => Lane.open(fixture, await trials.clusterUrl(), starts, index === 0 ? 1 : 2)
      const lanes = Array.from({ length: LANES }, async (_, index) => goThrough(trials, await open(index), random.stream(`lane/${index}`)))
      // Each to its end: what one of them uses must not be undone before.
      const failures = (await Promise.allSettled(lanes)).flatMap((end) => end.status === 'rejected' ? [end.reason as unknown] : [])
      if (failures.length > 0) throw new AggregateError(failures, `${failures.length} of ${LANES} databases`)
    })
  },
}

async function goThrough(trials: Trials, lane: Lane, random: Random): Promise<void> {
  let cycles = 0
  for (let round = 0; round < TRIES_MAX && cycles < CYCLES_PER_LANE; round++) {
    const { what, inFlight, waiting, requests, beingWritten } = await lane.cycle(random.stream(`cycle/${round}`), cycles + 1 === CYCLES_PER_LANE)
    if (what !== 'kept its lease') {
      cycles++
      trials.count('cycles')
    }
    trials.count(what)
    trials.count('requests', requests)
    trials.count('requests in flight at the pause', inFlight)
    trials.count('requests sent to a paused instance', waiting)
    trials.count('answers being written at the pause', beingWritten)
  }
}
