/** What the process ends with. */
export const EXIT = {
  ok: 0,
  /** Shutting down took too long or was interrupted by a second signal. */
  unclean: 1,
  /** A setting or an argument is wrong (spec section 8). */
  usage: 2,
  /** Port in use, database unreachable or unusable, data directory in use: nothing was served. */
  cannotStart: 69,
  /** Fail-stop: a thread died or an invariant broke. Restart: recovery repairs. */
  broken: 70,
  /** Another instance has taken over. */
  fenced: 75,
} as const

/** Why the server cannot start, in one line for the operator. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
