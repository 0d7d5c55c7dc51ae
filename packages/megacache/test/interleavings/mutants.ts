import { INVENTORY_MUTANTS } from './inventory-mutants.ts'
import { inFile, type Mutant } from './mutant.ts'

/** Every one is noticed by its world within the schedules of mutants.test.ts. */
export const MUTANTS: readonly Mutant[] = [
  ...INVENTORY_MUTANTS,
  ...inFile('user-limit.ts', [
    [
      'one more than the limit', 'holdingLimit',
      'if (countOf(control) < this.limit) {', 'if (countOf(control) <= this.limit) {',
    ],
    [
      'counting by check-then-add', 'roomForOne',
      'if (casWord(this.#words, index, control, control + COUNT_ONE)) return true', 'return addWord(this.#words, index, COUNT_ONE) !== 1',
    ],
    [
      'releasing by one compare-and-swap', 'twoReleases',
      'if (!casWord(this.#words, cell + USER.control, control, next)) continue', 'if (!casWord(this.#words, cell + USER.control, control, next)) return',
    ],
    [
      'a cell with a count of nothing', 'twoBuyers',
      'const isLast = countOf(control) === 1', 'const isLast = countOf(control) === 0',
    ],
    [
      'never dismissing', 'twoBuyers',
      '      if (isLast) dismiss(this.#words, this.#reachesStart + home)\n', '',
    ],
    [
      'dismissing before the cell is empty', 'holdingLimit',
      `      if (!casWord(this.#words, cell + USER.control, control, next)) continue
      if (isLast) dismiss(this.#words, this.#reachesStart + home)`, `      if (isLast) dismiss(this.#words, this.#reachesStart + home)
      if (!casWord(this.#words, cell + USER.control, control, next)) continue`,
    ],
    [
      'no second look', 'holdingLimit',
      'if (this.#endRivals(home, cell, low, high)) return', 'if (home >= 0) return',
    ],
    [
      'announcing after looking', 'holdingLimit',
      '    storeWord(words, index, pending)\n    if (this.#endRivals(home, cell, low, high)) return', '    const alone = this.#endRivals(home, cell, low, high)\n    storeWord(words, index, pending)\n    if (alone) return',
    ],
    [
      'announcing before the id is written', 'weak holdingLimit',
      `    writeWord(words, cell + USER.low, low)
    writeWord(words, cell + USER.high, high)
    const pending = withState(readWord(words, index), PENDING)
    storeWord(words, index, pending)`, `    const pending = withState(readWord(words, index), PENDING)
    storeWord(words, index, pending)
    writeWord(words, cell + USER.low, low)
    writeWord(words, cell + USER.high, high)`,
    ],
    [
      'going live without compare-and-swap', 'holdingLimit',
      'return casWord(words, index, pending, withState(pending, LIVE) + COUNT_ONE)', 'return storeWord(words, index, withState(pending, LIVE) + COUNT_ONE) === undefined',
    ],
    [
      'a live cell without a count', 'twoBuyers',
      'withState(pending, LIVE) + COUNT_ONE)', 'withState(pending, LIVE))',
    ],
    [
      'leaving a cell that lost', 'holdingLimit',
      '    if (casWord(words, index, pending, emptyAfter(pending))) dismiss(words, this.#reachesStart + home)\n', '',
    ],
    [
      'dismissing a cell that a rival has ended', 'holdingLimit',
      '    if (casWord(words, index, pending, emptyAfter(pending))) dismiss', '    casWord(words, index, pending, emptyAfter(pending))\n    dismiss',
    ],
    [
      'not enrolling', 'twoBuyers',
      '      enrol(words, reach, distance)\n', '',
    ],
    [
      'claiming a cell without compare-and-swap', 'holdingLimit',
      'if (casWord(words, index, control, withState(control, CLAIMED))) return index', 'storeWord(words, index, withState(control, CLAIMED))\n      if (index >= 0) return index',
    ],
    [
      'forgetting to dismiss a lost cell', 'holdingLimit',
      '      dismiss(words, reach)\n      return -1', '      return -1',
    ],
    [
      'trusting the reach of a home with two members', 'holdingLimit',
      'if (membersOf(reach) === 1) return true', 'if (membersOf(reach) <= 2) return true',
    ],
    [
      'looking for rivals not far enough', 'holdingLimit',
      '    for (let distance = 0; distance <= distanceOf(reach); distance++) {\n      const cell = this.#cellAt(home, distance)\n      if (cell !== own', '    for (let distance = 0; distance < distanceOf(reach); distance++) {\n      const cell = this.#cellAt(home, distance)\n      if (cell !== own',
    ],
    [
      'sparing rivals that are pending', 'holdingLimit',
      'if (stateOf(control) < PENDING) return true', 'if (stateOf(control) < LIVE) return true',
    ],
    [
      'sparing rivals that are live', 'holdingLimit',
      'if (stateOf(control) === LIVE) {', 'if (stateOf(control) === 9) {',
    ],
    [
      'ending other users', 'cellChangesHands',
      'if (readWord(words, cell + USER.low) !== low || readWord(words, cell + USER.high) !== high) return true\n', '',
    ],
    [
      'ending a rival without compare-and-swap', 'holdingLimit',
      '} else if (casWord(words, index, control, emptyAfter(control))) {', '} else if (storeWord(words, index, emptyAfter(control)) === undefined) {',
    ],
    [
      'not dismissing a rival', 'holdingLimit',
      '        dismiss(words, this.#reachesStart + home)\n        return true', '        return true',
    ],
    [
      'no look at the id after the control word', 'cellChangesHandsBelowLimit',
      '      if (stateOf(control) !== LIVE) continue\n      if (readWord(words, cell + USER.low) !== low || readWord(words, cell + USER.high) !== high) continue\n      this.#found', '      if (stateOf(control) !== LIVE) continue\n      this.#found',
    ],
    [
      'a cell that is not live will do', 'holdingLimit',
      '      if (stateOf(control) !== LIVE) continue\n      if (readWord', '      if (readWord',
    ],
    [
      'searching not far enough', 'twoBuyers',
      '    for (let distance = 0; distance <= distanceOf(reach); distance++) {\n      const cell = this.#cellAt(home, distance)\n      // A first', '    for (let distance = 0; distance < distanceOf(reach); distance++) {\n      const cell = this.#cellAt(home, distance)\n      // A first',
    ],
  ]),
  ...inFile('user-reach.ts', [
    [
      'a reach that forgets', 'sameUserTwoItems',
      'Math.max(distanceOf(reach), distance) << DISTANCE_SHIFT', 'distance << DISTANCE_SHIFT',
    ],
    [
      'a reach with one member', 'holdingLimit',
      'members === 1 ? 0 : reach - 1', '0',
    ],
    [
      'enrolling by load and store', 'holdingLimit',
      'if (casWord(words, index, reach, next)) return', 'if (casWord(words, index, reach, next) || true) return',
    ],
    [
      'dismissing by one try', 'holdingLimit',
      'if (casWord(words, index, reach, members === 1 ? 0 : reach - 1)) return', 'if (casWord(words, index, reach, members === 1 ? 0 : reach - 1) || true) return',
    ],
  ]),
  ...inFile('user-word.ts', [
    [
      'no version in the control word', 'cellChangesHandsBelowLimit',
      '((control >>> VERSION_SHIFT) + 1) << VERSION_SHIFT', '0',
    ],
  ]),
  ...inFile('due-blocks.ts', [
    [
      'a reservation does not lower the bound', 'lookedAtWhileReserved',
      'if (casWord(words, index, bound, kind === LOOKING ? DUE : from(tick))) return', 'return',
    ],
    [
      'a reservation lowers a bound by one try', 'lookedAtWhileReserved',
      'if (casWord(words, index, bound, kind === LOOKING ? DUE : from(tick))) return', 'casWord(words, index, bound, kind === LOOKING ? DUE : from(tick))\n      return',
    ],
    [
      'a reservation takes a look for low enough', 'lookedAtWhileReserved',
      'if (kind === DUE || (kind === FROM', 'if (kind >= LOOKING || (kind === FROM',
    ],
    [
      'a bound rises with a reservation', 'reservedLater',
      'if ((bound & KIND_MASK) !== FROM || isAfter(bound, tick)) this.#lowerTo(index, tick)', 'casWord(this.#words, index, bound, from(tick))',
    ],
    [
      'a bound never falls', 'restoredInOrder',
      'if ((bound & KIND_MASK) !== FROM || isAfter(bound, tick)) this', 'if ((bound & KIND_MASK) !== FROM) this',
    ],
    [
      'a look that says nothing to reservations', 'lookedAtWhileReserved',
      'if (casWord(words, index, bound, look)) return look', 'return bound',
    ],
    [
      'a look without a number', 'lookedAtByTwo',
      '(addWord(words, CONTROL.looks, 1) << KIND_BITS) | LOOKING', 'LOOKING',
    ],
    [
      'a look that ends whatever has come', 'lookedAtWhileReserved',
      'casWord(this.#words, this.#start + block, look, bound)', 'casWord(this.#words, this.#start + block, loadWord(this.#words, this.#start + block) + look * 0, bound)',
    ],
    [
      'nothing is left after a look', 'lookedAtByTwo',
      'untilMs === Infinity ? NONE', 'untilMs >= 0 ? NONE',
    ],
    [
      'what has run out and stays is found in time', 'backAfterItsEnd',
      'untilMs === 0 ? DUE : from', 'untilMs === 0 ? NONE : from',
    ],
  ]),
  ...inFile('atomic-words.ts', [
    [
      'a confirmation that is a plain read', 'weak looker',
      'return Atomics.compareExchange(words, index, expected, expected) === expected', 'return words[index] === expected',
    ],
    [
      'a confirmation that is a load', 'weak looker',
      'return Atomics.compareExchange(words, index, expected, expected) === expected', 'return Atomics.load(words, index) === expected',
    ],
    [
      'a confirmation that confirms anything', 'looker',
      'return Atomics.compareExchange(words, index, expected, expected) === expected', 'return Atomics.compareExchange(words, index, expected, expected) !== -1',
    ],
    [
      'a compare-and-swap in two steps', 'twoBuyers',
      'return Atomics.compareExchange(words, index, expected, next) === expected', `if (Atomics.load(words, index) !== expected) return false
  Atomics.store(words, index, next)
  return true`,
    ],
    [
      'a store that is a plain write', 'weak holdingLimit',
      'Atomics.store(words, index, value)', 'words[index] = value',
    ],
    [
      'a load that is a plain read', 'weak twoBuyers',
      'return Atomics.load(words, index)', 'return words[index]!',
    ],
    [
      'an addition in two steps', 'soldOut',
      'return Atomics.add(words, index, delta)', `const before = Atomics.load(words, index)
  Atomics.store(words, index, before + delta)
  return before`,
    ],
  ]),
  ...inFile('slot-word.ts', [
    [
      'no generation', 'twoBuyers',
      '(((word >>> STATE_BITS) + 1) << STATE_BITS) | state', '((word >>> STATE_BITS) << STATE_BITS) | state',
    ],
    [
      'a free slot is of its next tenure', 'purchaseCancelExpiry',
      'generationOf(word) - 1 : generationOf(word)', 'generationOf(word) : generationOf(word)',
    ],
  ]),
  ...inFile('slot-payload.ts', [
    [
      'codes are not forgotten', 'holding',
      'writeWord(words, at + SLOT.random0, 0)\n  writeWord(words, at + SLOT.random1, 0)', '',
    ],
    [
      'the user is not written', 'twoBuyers',
      '  writeWord(words, at + SLOT.userLow, content.userLow)\n', '',
    ],
    [
      'the expiry is not written', 'twoBuyers',
      '  writeWord(words, at + SLOT.expiresLow, content.expiresMs | 0)\n', '',
    ],
  ]),
  ...inFile('megacache.ts', [
    [
      'a closed sale goes on', 'closing',
      "if (readWord(this.#words, CONTROL.closed) !== 0) return inventory.tally.refused(SALE_CLOSED)", '',
    ],
  ]),
  ...inFile('stuck.ts', [
    [
      'a dead sweeper is not noticed', 'dyingSweeper',
      'if (state !== CLAIM && state !== RELEASING) continue', 'if (state !== CLAIM) continue',
    ],
    [
      'a dead buyer is not noticed', 'dyingBuyer',
      'if (state !== CLAIM && state !== RELEASING) continue', 'if (state !== RELEASING) continue',
    ],
  ]),
]
