import type { SimulatedPostgres } from '../postgres/simulated-postgres.ts'
import { SqlError } from '../postgres/sql-error.ts'
import type { SimulatedProcess } from '../runtime/simulated-process.ts'
import type { Random } from '../world/random.ts'
import type { Reach } from './troubles.ts'

/**
 * One way to go wrong. `strike` draws its details from `random`, does it, and returns what ends it early when the
 * world is healed, if it lasts. Its name is counted each time: a campaign in which it never happened fails.
 */
export interface Fault {
  readonly name: string
  /** How often, against the others. */
  readonly weight: number
  strike(reach: Reach, random: Random): (() => void) | undefined | false
}

export function cancelStatements({ backends }: SimulatedPostgres): void {
  for (const backend of backends) backend.cancel(new SqlError('57014', 'canceling statement due to user request'))
}

/** On one of those that live. */
export function onProcess(
  strike: (process: SimulatedProcess, random: Random) => (() => void) | undefined | false | void,
): Fault['strike'] {
  return ({ operator }, random) => {
    const { living } = operator
    if (living.length === 0) return false
    return strike(random.pick(living), random) ?? undefined
  }
}
