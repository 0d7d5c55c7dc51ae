import type { Batch } from './batch.ts'
import { classify } from './failure-class.ts'
import type { StatementFault } from './statement-port.ts'

/**
 * What to do with a batch after a failed sending:
 * - `look`: send it in the form that looks at rows which exist already;
 * - `halve`: a row was refused, find it; `poison`: this is it;
 * - `resolve`: in doubt, the same batch again until there is an answer about its rows;
 * - `retry`: nothing was written, the same again may succeed;
 * - `abort`: nothing was written, tell the rows.
 */
export type FailureReaction = 'look' | 'halve' | 'poison' | 'resolve' | 'retry' | 'abort'

const TRANSIENT_ATTEMPTS_MAX = 5

/** `batch.attemptCount` includes the failed sending. */
export function reactionTo(failure: StatementFault, batch: Batch<unknown>): FailureReaction {
  const kind = classify(failure)
  if (kind === 'conflict' && !batch.isAgain) return 'look'
  // Refused for its own values, so an earlier sending in doubt cannot have written the row either.
  if (kind === 'poison' || kind === 'conflict') return batch.rows.length > 1 ? 'halve' : 'poison'
  // A definite error of a later sending says nothing of the one in doubt.
  if (kind === 'in_doubt' || batch.isDoubtful) return 'resolve'
  return kind === 'transient' && batch.attemptCount < TRANSIENT_ATTEMPTS_MAX ? 'retry' : 'abort'
}
