import { casWord, loadWord, type Words } from './atomic-words.ts'
import { MegacacheError } from './megacache-error.ts'

/**
 * How far a search for the users of one home cell must look.
 *
 * ```text
 *   31                        10 9          0
 *  +----------------------------+------------+
 *  | distance, the largest used |  members   |
 *  +----------------------------+------------+
 * ```
 *
 * Members are the cells in use (CLAIMED, PENDING or LIVE) by users of this home. When the last one goes, the
 * distance falls back to 0; it would otherwise only grow, and with it every search, for as long as the sale
 * lasts. A home that ever has 1023 members keeps them, and its distance, for ever: slower, never wrong.
 */
const MEMBERS_MASK = 1023
const DISTANCE_SHIFT = 10

export function membersOf(reach: number): number {
  return reach & MEMBERS_MASK
}

export function distanceOf(reach: number): number {
  return reach >>> DISTANCE_SHIFT
}

/**
 * One more member, at this distance: before its cell is taken. Linearises at the compare-and-swap, other
 * writers are the threads with users of this home; ends because a lost one is another thread's success.
 */
export function enrol(words: Words, index: number, distance: number): void {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const reach = loadWord(words, index)
    const members = Math.min(MEMBERS_MASK, membersOf(reach) + 1)
    const next = (Math.max(distanceOf(reach), distance) << DISTANCE_SHIFT) | members
    if (casWord(words, index, reach, next)) return
  }
  throw noProgress()
}

/** One member less: after its cell is empty, by the thread that emptied it. As `enrol`. */
export function dismiss(words: Words, index: number): void {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const reach = loadWord(words, index)
    const members = membersOf(reach)
    if (members === MEMBERS_MASK) return
    if (members === 0) throw new MegacacheError('invariant_broken', 'user table: a cell in use was not enrolled')
    if (casWord(words, index, reach, members === 1 ? 0 : reach - 1)) return
  }
  throw noProgress()
}

const ATTEMPTS_MAX = 1_000_000

function noProgress(): MegacacheError {
  return new MegacacheError('invariant_broken', `user table: no progress in ${ATTEMPTS_MAX} attempts`)
}
