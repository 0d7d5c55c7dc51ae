import type { Kind } from './kind.ts'
import { cuts } from './kinds/cuts.ts'
import { fuzz } from './kinds/fuzz.ts'
import { handOvers } from './kinds/hand-overs.ts'
import { interleavings } from './kinds/interleavings.ts'
import { kills } from './kinds/kills.ts'
import { simulation } from './kinds/simulation.ts'
import { soak } from './kinds/soak.ts'
import { takeOvers } from './kinds/take-overs.ts'

/** In the order in which they run: what needs no process of its own first. */
export const KINDS: readonly Kind[] = [interleavings, simulation, kills, cuts, takeOvers, handOvers, soak, fuzz]
