/**
 * The control word of a cell of the user table.
 *
 * ```text
 *   31                     12 11        2 1     0
 *  +-------------------------+-----------+-------+
 *  |         version         |   count   | state |
 *  +-------------------------+-----------+-------+
 *
 *   EMPTY --cas--> CLAIMED --store--> PENDING --cas--> LIVE, count 1 --cas--> LIVE, count n
 *     ^  one thread writes the id       | cas, by any      |  cas, when the count is 1
 *     +---------------------------------+------------------+   (version + 1 at each return)
 * ```
 *
 * The version keeps apart the tenures of a cell. To be fooled, a thread would have to be stopped between its
 * load and its compare-and-swap for exactly 2^20 tenures of one cell.
 */

/** No user. */
export const EMPTY = 0
/** One thread is writing the user id. */
export const CLAIMED = 1
/** The user id is complete; the cell does not count yet. */
export const PENDING = 2
/** The cell of its user, with a count of 1 or more. */
export const LIVE = 3

/** What to add to a control word to count one more. */
export const COUNT_ONE: number = 1 << 2

const STATE_MASK = 3
const COUNT_SHIFT = 2
const COUNT_MASK = 1023
const VERSION_SHIFT = 12

export function stateOf(control: number): number {
  return control & STATE_MASK
}

export function countOf(control: number): number {
  return (control >>> COUNT_SHIFT) & COUNT_MASK
}

export function withState(control: number, state: number): number {
  return (control & ~STATE_MASK) | state
}

/** The control word of the same cell, empty, in its next tenure. */
export function emptyAfter(control: number): number {
  return ((control >>> VERSION_SHIFT) + 1) << VERSION_SHIFT
}
