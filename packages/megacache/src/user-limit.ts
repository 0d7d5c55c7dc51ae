import { addWord, casWord, loadWord, storeWord, type Words } from './atomic-words.ts'
import { HEADER, type Layout, USER, USER_WORDS } from './layout.ts'
import { MegacacheError } from './megacache-error.ts'

/**
 * How many items each user holds: a hash table with open addressing in shared memory that forgets a user
 * whose count falls to zero. It is therefore bounded by live users, not by every user ever seen.
 *
 * A cell is four words: control, the user id in two halves, and how many of the items are purchased.
 *
 * ```text
 *   control   31                     12 11        2 1     0
 *             |        version         |   count   | state |
 *
 *   EMPTY --cas--> CLAIMED --store--> PENDING --cas--> LIVE, count 1 --cas--> LIVE, count n
 *     ^  one thread writes the id       | cas, by any      |  cas, when the count is 1
 *     +---------------------------------+------------------+   (version + 1 at each return)
 * ```
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
 * Deleting needs no tombstone because a search does not stop at an empty cell: `bounds[home]` says how far
 * from its home cell any user was ever put; it only grows, before a farther cell is taken.
 *
 * The version keeps apart the tenures of a cell. To be fooled, a thread would have to be stopped between its
 * load and its compare-and-swap for exactly 2^20 tenures of one cell.
 */
export class UserLimit {
  readonly limit: number
  readonly #words: Words
  readonly #boundsStart: number
  readonly #usersStart: number
  readonly #cellMask: number
  readonly #seedLow: number
  readonly #seedHigh: number
  #foundControl = 0

  constructor(words: Words, layout: Layout) {
    this.limit = loadWord(words, HEADER.userLimit)
    this.#words = words
    this.#boundsStart = layout.boundsStart
    this.#usersStart = layout.usersStart
    this.#cellMask = layout.userCells - 1
    this.#seedLow = loadWord(words, HEADER.seedLow)
    this.#seedHigh = loadWord(words, HEADER.seedHigh)
  }

  /**
   * Counts one more item for the user, unless the count is at the limit; says whether it did.
   *
   * Linearises at the compare-and-swap of the control word that raised the count or made the cell LIVE;
   * a refusal at the second load of an unchanged control word. Other writers: any thread counting the same
   * user, or taking a cell on the same path. Ends because each new attempt follows another thread's success.
   */
  acquire(low: number, high: number): boolean {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const cell = this.#find(low, high)
      if (cell < 0) {
        if (this.#insert(low, high)) return true
        continue
      }
      const control = this.#foundControl
      if (countOf(control) >= this.limit) return false
      if (casWord(this.#words, cell + USER.control, control, control + COUNT_ONE)) return true
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
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const cell = this.#findOwned(low, high)
      const control = this.#foundControl
      const next = countOf(control) === 1 ? emptyAfter(control) : control - COUNT_ONE
      if (casWord(this.#words, cell + USER.control, control, next)) return
    }
    throw noProgress()
  }

  /** Notes that one of the counted items is sold; it is never released again, so the cell stays. */
  addPurchased(low: number, high: number): void {
    addWord(this.#words, this.#findOwned(low, high) + USER.purchased, 1)
  }

  /** Items the user holds now: reserved and purchased together. */
  countOf(low: number, high: number): number {
    return this.#find(low, high) < 0 ? 0 : countOf(this.#foundControl)
  }

  purchasedOf(low: number, high: number): number {
    const cell = this.#find(low, high)
    return cell < 0 ? 0 : loadWord(this.#words, cell + USER.purchased)
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
  #insert(low: number, high: number): boolean {
    const words = this.#words
    const home = this.#home(low, high)
    const cell = this.#claimEmpty(home)
    if (cell < 0) return false
    storeWord(words, cell + USER.low, low)
    storeWord(words, cell + USER.high, high)
    storeWord(words, cell + USER.purchased, 0)
    const pending = withState(loadWord(words, cell + USER.control), PENDING)
    storeWord(words, cell + USER.control, pending)
    if (!this.#endRivals(home, cell, low, high)) {
      casWord(words, cell + USER.control, pending, emptyAfter(pending))
      return false
    }
    return casWord(words, cell + USER.control, pending, withState(pending, LIVE) + COUNT_ONE)
  }

  /** Takes the first empty cell from `home` on, raising the bound first if it lies beyond. -1: it was lost. */
  #claimEmpty(home: number): number {
    const words = this.#words
    for (let distance = 0; distance <= this.#cellMask; distance++) {
      const cell = this.#cellAt(home, distance)
      const control = loadWord(words, cell + USER.control)
      if (stateOf(control) !== EMPTY) continue
      this.#raiseBound(home, distance)
      return casWord(words, cell + USER.control, control, withState(control, CLAIMED)) ? cell : -1
    }
    throw new MegacacheError('invariant_broken', 'user table: full, although it has room for every item and thread')
  }

  #raiseBound(home: number, distance: number): void {
    const index = this.#boundsStart + home
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const bound = loadWord(this.#words, index)
      if (bound >= distance || casWord(this.#words, index, bound, distance)) return
    }
  }

  /** Ends every other PENDING cell of this user; false when one is LIVE. The bound is read after announcing. */
  #endRivals(home: number, own: number, low: number, high: number): boolean {
    const words = this.#words
    const bound = loadWord(words, this.#boundsStart + home)
    for (let distance = 0; distance <= bound; distance++) {
      const cell = this.#cellAt(home, distance)
      if (cell === own) continue
      for (let attempt = 0; ; attempt++) {
        const control = loadWord(words, cell + USER.control)
        if (stateOf(control) < PENDING) break
        if (loadWord(words, cell + USER.low) !== low || loadWord(words, cell + USER.high) !== high) break
        if (stateOf(control) === LIVE) {
          if (loadWord(words, cell + USER.control) === control) return false
        } else if (casWord(words, cell + USER.control, control, emptyAfter(control))) break
        if (attempt === ATTEMPTS_MAX) return false
      }
    }
    return true
  }

  /**
   * The first word of the user's LIVE cell, or -1; its control word is left in `#foundControl`.
   *
   * Linearises at the second load of the control word: that it has not changed proves that the id read
   * between the two belongs to it, because an id is written only while its cell is CLAIMED.
   */
  #find(low: number, high: number): number {
    const words = this.#words
    const home = this.#home(low, high)
    const bound = loadWord(words, this.#boundsStart + home)
    for (let distance = 0; distance <= bound; distance++) {
      const cell = this.#cellAt(home, distance)
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        const control = loadWord(words, cell + USER.control)
        if (stateOf(control) !== LIVE) break
        if (loadWord(words, cell + USER.low) !== low || loadWord(words, cell + USER.high) !== high) break
        if (loadWord(words, cell + USER.control) !== control) continue
        this.#foundControl = control
        return cell
      }
    }
    return -1
  }

  #findOwned(low: number, high: number): number {
    const cell = this.#find(low, high)
    if (cell < 0) throw new MegacacheError('invariant_broken', 'user table: a user with items has no count')
    return cell
  }

  #cellAt(home: number, distance: number): number {
    return this.#usersStart + ((home + distance) & this.#cellMask) * USER_WORDS
  }

  /**
   * Mixes the id with the sale's secret seeds, so that nobody can choose ids that collide. The steps are the
   * finaliser of MurmurHash3 (public domain, Austin Appleby), over both halves.
   */
  #home(low: number, high: number): number {
    let hash = Math.imul(low ^ this.#seedLow, 0x85ebca6b)
    hash ^= hash >>> 15
    hash = Math.imul(hash ^ high ^ this.#seedHigh, 0xc2b2ae35)
    hash ^= hash >>> 13
    hash = Math.imul(hash, 0x85ebca6b)
    return (hash ^ (hash >>> 16)) & this.#cellMask
  }
}

const EMPTY = 0
const CLAIMED = 1
const PENDING = 2
const LIVE = 3

const COUNT_SHIFT = 2
const COUNT_ONE = 1 << COUNT_SHIFT
const COUNT_MASK = 1023
const VERSION_SHIFT = 12

/** Far above what contention can need (a handful); reached only by a bug, and then better loud than endless. */
const ATTEMPTS_MAX = 1_000_000

function noProgress(): MegacacheError {
  return new MegacacheError('invariant_broken', `user table: no progress in ${ATTEMPTS_MAX} attempts`)
}

function stateOf(control: number): number {
  return control & 3
}

function countOf(control: number): number {
  return (control >>> COUNT_SHIFT) & COUNT_MASK
}

function withState(control: number, state: number): number {
  return (control & ~3) | state
}

/** The control word of the same cell, empty, in its next tenure. */
function emptyAfter(control: number): number {
  return ((control >>> VERSION_SHIFT) + 1) << VERSION_SHIFT
}
