/**
 * What became of one row, told once:
 *
 * | outcome | what is certain | what the caller must do |
 * | --- | --- | --- |
 * | `durable` | committed and flushed, now or by an earlier sending | acknowledge |
 * | `aborted` | nothing was or will be written | release what the row held; 503 |
 * | `foreign` | another code owns the item (or the code is bought, for a cancel) | a bug: alarm, fail-stop |
 * | `limit` | the user has the limit in the database | memory and database disagree: alarm, release; 409 |
 * | `missing` | cancel only: there is no such checkout; nothing was written | a bug: alarm |
 * | `poisoned` | this row alone was refused for its own values; nothing was written | alarm, release; 500 |
 * | `fenced` | another instance is active. An earlier sending in doubt may have been written | 503, fail-stop |
 * | `unresolved` | the session closed with the row in doubt | 503, keep what it holds |
 */
export type Outcome =
  | 'durable' | 'aborted' | 'foreign' | 'limit' | 'missing' | 'poisoned' | 'fenced' | 'unresolved'

/** The letters of the stored functions' answers (migrations/0003_batches.sql). */
const BY_LETTER: Readonly<Record<string, Outcome>> = {
  d: 'durable', f: 'foreign', l: 'limit', m: 'missing',
}

/** The whole answer of a stored function whose epoch has moved on. */
export const FENCED_ANSWER = '!'

/**
 * The outcomes in an answer that is not `FENCED_ANSWER`, by row; the empty answer is all durable.
 * Undefined: it is no answer about so many rows, so nothing is known of them.
 */
export function readAnswer(answer: unknown, rowCount: number): ((index: number) => Outcome) | undefined {
  if (answer === '') return () => 'durable'
  if (typeof answer !== 'string' || answer.length !== rowCount) return undefined
  const outcomes = Array.from(answer, (letter) => BY_LETTER[letter])
  return outcomes.includes(undefined) ? undefined : (index) => outcomes[index]!
}
