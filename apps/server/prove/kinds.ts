import type { Kind } from './kind.ts'
import { fuzz } from './kinds/fuzz.ts'
import { interleavings } from './kinds/interleavings.ts'
import { simulation } from './kinds/simulation.ts'
import { soak } from './kinds/soak.ts'

/** In the order in which they run: what needs no process of its own first. */
export const KINDS: readonly Kind[] = [interleavings, simulation, soak, fuzz]
