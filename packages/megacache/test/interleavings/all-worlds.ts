import type { ExploreOptions } from '../../src/testing/index.ts'
import type { CodesWorld } from './actors.ts'
import { DYING_WORLDS } from './dying-worlds.ts'
import { LARGE_WORLDS } from './large-worlds.ts'
import { SALE_WORLDS } from './sale-worlds.ts'
import { SLOT_WORLDS } from './slot-worlds.ts'
import { USER_WORLDS } from './user-worlds.ts'

/** Worlds that are exhausted, also when they have too many states to be so without a bound on interruptions. */
export const EXHAUSTED_WORLDS: Readonly<Record<string, CodesWorld>> = { ...SLOT_WORLDS, ...USER_WORLDS, ...SALE_WORLDS, ...DYING_WORLDS }
export const WORLDS: Readonly<Record<string, CodesWorld>> = { ...EXHAUSTED_WORLDS, ...LARGE_WORLDS }

/**
 * Where every interleaving is too much for a test, those with so many interruptions of a thread that could go on: most faults
 * need no more than two (Musuvathi and Qadeer, "Iterative context bounding", PLDI 2007). The campaign raises them.
 */
const PREEMPTIONS_MAX: Readonly<Record<string, number>> = {
  holding: 2, holdingLimit: 2, sameUserTwoItems: 2, sameUserLimitOne: 2, cellChangesHands: 2, cellChangesHandsBelowLimit: 2, leaveAndCome: 2, restored: 2, expiredForTwo: 2, lookedAtByTwo: 2, sweptOneByOne: 2,
  dyingBuyer: 1, dyingInTwoPhases: 1, dyingBesideItsUser: 1,
}

/** How a world is exhausted in a test; `more` interruptions than that in a campaign. */
export function exhaustionOf(name: string, more = 0): ExploreOptions {
  const preemptionsMax = PREEMPTIONS_MAX[name]
  return preemptionsMax === undefined ? {} : { preemptionsMax: preemptionsMax + more }
}
