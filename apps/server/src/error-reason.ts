/**
 * What went wrong, in one line, down to its cause: Node reports several addresses that all refuse as an AggregateError
 * without a message of its own, and wraps others once or twice.
 *
 * `the database cannot be reached (connect ECONNREFUSED ::1:5432; connect ECONNREFUSED 127.0.0.1:5432)`
 */
export function errorReason(error: unknown): string {
  return reasonOf(error, 0).replaceAll(/\s*\n\s*/g, ' ')
}

/** Causes may go in a circle. */
const DEPTH_MAX = 5

function reasonOf(error: unknown, depth: number): string {
  if (!(error instanceof Error)) return String(error)
  if (depth > DEPTH_MAX) return error.message
  const parts = error instanceof AggregateError ? error.errors.map((part) => reasonOf(part, depth + 1)) : []
  const cause = error.cause === undefined ? '' : reasonOf(error.cause, depth + 1)
  const reasons = [...new Set([...parts, cause])].filter((reason) => reason !== '' && !error.message.includes(reason)).join('; ')
  const own = error.message === '' && reasons === '' ? nameOf(error) : error.message
  if (own === '') return reasons
  return reasons === '' ? own : `${own} (${reasons})`
}

const nameOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : error.name)
