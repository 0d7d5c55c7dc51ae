import { addWord, casWord, confirmWord, loadWord, readWord, storeWord, type Words, writeWord } from './atomic-words.ts'
import { HASH_START, HASH_WORDS, HEADER, type Layout, USER, USER_WORDS } from './layout.ts'
import { MegacacheError } from './megacache-error.ts'
import {
  CLAIMED, COUNT_ONE, countOf, emptyAfter, EMPTY, LIVE, PENDING, stateOf, withState,
} from './user-word.ts'
import { enrol, dismiss, distanceOf, membersOf } from './user-reach.ts'

/**
 * How many items each user holds: a hash table with open addressing in shared memory that forgets a user
 * whose count falls to zero. It is therefore bounded by live users, not by every user ever seen.
 *
 * A cell is four words: control (user-word.ts, where its states are drawn), the user id in two halves, and how many
 * of the items are purchased (0 in every cell that is not LIVE: what is purchased is never given back).
 *
 * Only LIVE cells count. A user never has two of them (INV-2), although two threads may both fail to find the
 * user and both take an empty cell: each first announces itself (PENDING, id complete) and then looks at
 * every cell where the user may be. In the one order in which all threads see these steps, one of the two
 * announced first, so the other sees it: it ends that PENDING cell, or, if it is LIVE already, gives up its
 * own. Both work by compare-and-swap on that one control word, so exactly one of "goes LIVE" and "is ended"
 * happens. This is the idea of Purcell and Harris, "Non-blocking hashtables with open addressing" (DISC 2005),
 * without helping: two threads may end each other and both start again, which a third step makes improbable
 * and the attempt limit bounds.
 *
 * Deleting needs no tombstone because a search does not stop at an empty cell: `reach[home]` (user-reach.ts)
 * says how far from its home cell a user may be. Each cell is enrolled there before it is taken and dismissed
 * after it is empty, so the reach covers every cell in use (INV-6) and falls back when the home is deserted.
 */
export class UserLimit {
  readonly limit: number
  readonly #words: Words
  readonly #reachesStart: number
  readonly #usersStart: number
  readonly #cellMask: number
  readonly #hash: Int32Array
  #foundControl = 0

  constructor(words: Words, layout: Layout) {
    this.limit = loadWord(words, HEADER.userLimit)
    this.#words = words
    this.#reachesStart = layout.reachesStart
    this.#usersStart = layout.usersStart
    this.#cellMask = layout.userCells - 1
    // A copy of this thread's own: the words never change once the sale has been handed out.
    this.#hash = new Int32Array(words.subarray(HASH_START, HASH_START + HASH_WORDS))
  }

  /**
   * Counts one more item for the user, unless the count is at the limit; says whether it did.
   *
   * Linearises at the compare-and-swap of the control word that raised the count or made the cell LIVE;
   * a refusal at the confirmation of an unchanged control word. Other writers: any thread counting the same
   * user, or taking a cell on the same path. Ends because each new attempt follows another thread's success.
   */
  acquire(low: number, high: number): boolean {
    const home = this.#home(low, high)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const cell = this.#find(home, low, high)
      if (cell < 0) {
        if (this.#insert(home, low, high)) return true
        continue
      }
      const control = this.#foundControl
      const index = cell + USER.control
      if (countOf(control) < this.limit) {
        if (casWord(this.#words, index, control, control + COUNT_ONE)) return true
      } else if (confirmWord(this.#words, index, control)) return false
    }
    throw noProgress()
  }

  /**
   * Counts one item less. The caller owns one count of this user, so the cell is LIVE and cannot go away.
   *
   * Subtracts from whatever the count is now: giving back an expected value instead would lose the
   * counts of others (defect 16). Ends because a lost compare-and-swap is another thread's success.
   */
  release(low: number, high: number): void {
    const home = this.#home(low, high)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const cell = this.#findOwned(home, low, high)
      const control = this.#foundControl
      const isLast = countOf(control) === 1
      const next = isLast ? emptyAfter(control) : control - COUNT_ONE
      if (!casWord(this.#words, cell + USER.control, control, next)) continue
      if (isLast) dismiss(this.#words, this.#reachesStart + home)
      return
    }
    throw noProgress()
  }

  /**
   * Notes that one of the counted items is sold; it is never released again, so the cell stays. The caller
   * owns that count, so the cell cannot change hands between finding it and adding.
   */
  addPurchased(low: number, high: number): void {
    addWord(this.#words, this.#findOwned(this.#home(low, high), low, high) + USER.purchased, 1)
  }

  /** Copies the user's counts: items held now, reserved and purchased together, and those purchased. */
  read(low: number, high: number, into: { count: number; purchased: number }): void {
    const home = this.#home(low, high)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const cell = this.#find(home, low, high)
      into.count = cell < 0 ? 0 : countOf(this.#foundControl)
      into.purchased = cell < 0 ? 0 : loadWord(this.#words, cell + USER.purchased)
      if (cell < 0 || confirmWord(this.#words, cell + USER.control, this.#foundControl)) return
    }
    throw noProgress()
  }

  /** Calls back for every live user. Exact only while nothing changes. */
  forEach(visit: (low: number, high: number, count: number, purchased: number) => void): void {
    const words = this.#words
    for (let index = 0; index <= this.#cellMask; index++) {
      const cell = this.#usersStart + index * USER_WORDS
      const control = loadWord(words, cell + USER.control)
      if (stateOf(control) !== LIVE) continue
      visit(
        loadWord(words, cell + USER.low), loadWord(words, cell + USER.high),
        countOf(control), loadWord(words, cell + USER.purchased),
      )
    }
  }

  /** Puts a user that was not found into an empty cell, with count 1. False: look again from the start. */
  #insert(home: number, low: number, high: number): boolean {
    const words = this.#words
    const cell = this.#claimEmpty(home)
    if (cell < 0) return false
    const index = cell + USER.control
    // Owned: nobody else writes a CLAIMED cell, its control word included.
    writeWord(words, cell + USER.low, low)
    writeWord(words, cell + USER.high, high)
    const pending = withState(readWord(words, index), PENDING)
    storeWord(words, index, pending)
    if (this.#endRivals(home, cell, low, high)) return casWord(words, index, pending, withState(pending, LIVE) + COUNT_ONE)
    if (casWord(words, index, pending, emptyAfter(pending))) dismiss(words, this.#reachesStart + home)
    return false
  }

  /** Takes the first empty cell from `home` on, enrolling it first. -1: another thread took it. */
  #claimEmpty(home: number): number {
    const words = this.#words
    const reach = this.#reachesStart + home
    for (let distance = 0; distance <= this.#cellMask; distance++) {
      const index = this.#cellAt(home, distance) + USER.control
      const control = loadWord(words, index)
      if (stateOf(control) !== EMPTY) continue
      enrol(words, reach, distance)
      if (casWord(words, index, control, withState(control, CLAIMED))) return index - USER.control
      dismiss(words, reach)
      return -1
    }
    throw new MegacacheError('invariant_broken', 'user table: full, although it has room for every item and thread')
  }

  /**
   * Ends every other PENDING cell of this user; false when one is LIVE. The reach is loaded after announcing:
   * a rival that is not enrolled by then will announce later, and so will see this cell.
   */
  #endRivals(home: number, own: number, low: number, high: number): boolean {
    const words = this.#words
    const reach = loadWord(words, this.#reachesStart + home)
    if (membersOf(reach) === 1) return true
    for (let distance = 0; distance <= distanceOf(reach); distance++) {
      const cell = this.#cellAt(home, distance)
      if (cell !== own && !this.#endRival(home, cell, low, high)) return false
    }
    return true
  }

  /** Whether the cell is none of this user's, or no longer. Ends as its tenure ends or goes LIVE. */
  #endRival(home: number, cell: number, low: number, high: number): boolean {
    const words = this.#words
    const index = cell + USER.control
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const control = loadWord(words, index)
      if (stateOf(control) < PENDING) return true
      if (readWord(words, cell + USER.low) !== low || readWord(words, cell + USER.high) !== high) return true
      if (stateOf(control) === LIVE) {
        if (confirmWord(words, index, control)) return false
      } else if (casWord(words, index, control, emptyAfter(control))) {
        dismiss(words, this.#reachesStart + home)
        return true
      }
    }
    throw noProgress()
  }

  /**
   * The first word of the user's LIVE cell, or -1; its control word is left in `#foundControl`. The id is read
   * plainly, so the caller must confirm or swap that control word before acting on the answer, unless the
   * caller owns a count, which keeps the user in its cell (rule 2 of atomic-words.ts).
   */
  #find(home: number, low: number, high: number): number {
    const words = this.#words
    // Plain: one who owns a count knows of its enrolment, and for all others missing the user leads to a second look.
    const reach = readWord(words, this.#reachesStart + home)
    if (membersOf(reach) === 0) return -1
    for (let distance = 0; distance <= distanceOf(reach); distance++) {
      const cell = this.#cellAt(home, distance)
      // A first look spares the load of most other users' cells; the control word is loaded before the look that counts.
      if (readWord(words, cell + USER.low) !== low || readWord(words, cell + USER.high) !== high) continue
      const control = loadWord(words, cell + USER.control)
      if (stateOf(control) !== LIVE) continue
      if (readWord(words, cell + USER.low) !== low || readWord(words, cell + USER.high) !== high) continue
      this.#foundControl = control
      return cell
    }
    return -1
  }

  #findOwned(home: number, low: number, high: number): number {
    const cell = this.#find(home, low, high)
    if (cell < 0) throw new MegacacheError('invariant_broken', 'user table: a user with items has no count')
    return cell
  }

  #cellAt(home: number, distance: number): number {
    return this.#usersStart + ((home + distance) & this.#cellMask) * USER_WORDS
  }

  /**
   * Simple tabulation hashing: a random word for each value of each byte, drawn when the sale was created, so
   * that nobody can choose ids that collide. Linear probing with it takes constant expected time whatever the
   * ids are (Patrascu and Thorup, "The power of simple tabulation hashing", STOC 2011).
   */
  #home(low: number, high: number): number {
    const hash = this.#hash
    return (
      hash[low & 255]! ^ hash[256 | ((low >>> 8) & 255)]! ^ hash[512 | ((low >>> 16) & 255)]! ^ hash[768 | (low >>> 24)]! ^
      hash[1024 | (high & 255)]! ^ hash[1280 | ((high >>> 8) & 255)]! ^ hash[1536 | ((high >>> 16) & 255)]! ^
      hash[1792 | (high >>> 24)]!
    ) & this.#cellMask
  }
}

/** Far above what contention can need (a handful); reached only by a bug, and then better loud than endless. */
const ATTEMPTS_MAX = 1_000_000

function noProgress(): MegacacheError {
  return new MegacacheError('invariant_broken', `user table: no progress in ${ATTEMPTS_MAX} attempts`)
}
