import type { Random } from '../../simulation/world/random.ts'
import { BATCHES, type Cut, CUT_POINTS } from '../../test/fault/cut-points.ts'
import { sellThroughCuts } from '../../test/fault/sell-through-cuts.ts'
import type { Kind } from '../kind.ts'

/** Enough batches of each kind for all cuts, however few there are. */
const ITEMS = 900
/** At most so many batches of a kind for one cut. */
const BATCHES_MAX = 3
const PAIRS = CUT_POINTS.flatMap((at) => BATCHES.map((batch) => ({ at, batch })))

export const cuts: Kind = {
  name: 'cuts',
  summary: `connections to PostgreSQL broken at ${CUT_POINTS.length} points of ${BATCHES.length} kinds of batches; a repetition has each pair once`,
  goals: {
    cuts: { small: 10 * PAIRS.length, long: 500 * PAIRS.length },
    repetitions: { small: 10, long: 500 },
  },
  // G1, G2, G8, G15.
  run: (trials) => trials.each(async ({ fixture, random }) => {
    const planned = anyOrder(random).map(({ at, batch }): Cut => ({
      at, batch, after: random.integer(1, BATCHES_MAX), how: random.pick(['reset', 'end']),
    }))
    const clusterUrl = await trials.clusterUrl()
    await sellThroughCuts(fixture, { cuts: planned, items: ITEMS, threads: random.integer(1, 2), seed: random.word(), clusterUrl })
    trials.count('cuts', planned.length)
    trials.count('repetitions')
  }),
}

function anyOrder(random: Random): typeof PAIRS {
  const left = [...PAIRS]
  return PAIRS.map(() => left.splice(random.integer(0, left.length - 1), 1)).flat()
}
