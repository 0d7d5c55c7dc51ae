import type { SubmitRefusal } from '@megacache/persistence'
import { type Problem, problems } from './problem.ts'

/** What a writer that takes no rows means to a client: nothing was changed. */
export const UNAVAILABLE: Readonly<Record<SubmitRefusal, Problem>> = Object.freeze({
  overloaded: problems.overloaded,
  draining: problems.draining,
  storage_unavailable: problems.storage_unavailable,
  fenced: problems.storage_unavailable,
})

/** Hands over a row to a writer that said, in the same turn of the event loop, that it takes one. */
export function submit<Row>(writer: { submit(row: Row): boolean }, row: Row): void {
  if (!writer.submit(row)) throw new Error('a writer refused a row right after saying that it takes one')
}
