import { DATABASE_MUTANTS } from './mutants/database.ts'
import type { Mutant } from './mutants/mutant.ts'
import { OUTCOME_MUTANTS } from './mutants/outcomes.ts'
import { RECOVERY_MUTANTS } from './mutants/recovery.ts'
import { RESTART_MUTANTS } from './mutants/restart.ts'

/** Each must be found; a change whose anchor is not there any more fails as well. */
export const MUTANTS: readonly Mutant[] = [...DATABASE_MUTANTS, ...OUTCOME_MUTANTS, ...RESTART_MUTANTS, ...RECOVERY_MUTANTS]
