import type { Protections } from '../postgres/simulated-postgres.ts'
import type { SourceChange } from '../runtime/source-change.ts'

/** A protection taken out, in the shipped sources or in the stored procedures. */
export interface Mutant {
  readonly name: string
  readonly changes?: readonly SourceChange[]
  readonly protections?: Protections
  /** Where the search begins: a seed at or near which it is known to be found. */
  readonly fromSeed: number
  /** The test beside the simulation that finds it too, `file: name`. */
  readonly alsoFoundBy?: string
}
