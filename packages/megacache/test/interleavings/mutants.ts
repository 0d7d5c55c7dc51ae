import type { SourceChange } from '../../src/testing/interleavings/watched-engine.ts'

/** A protection of the engine that is taken out. */
export interface Mutant extends SourceChange {
  readonly name: string
  /** The world that notices. */
  readonly world: string
  /** Only weak memory shows it. */
  readonly isWeak: boolean
}

/** A change that no world can notice, and why. */
export interface Equivalent extends SourceChange {
  readonly name: string
  readonly because: string
}

type Row = readonly [name: string, world: string, from: string, to: string]

const inFile = (file: string, rows: readonly Row[]): Mutant[] => rows.map(([name, where, from, to]) =>
  ({ name, file, from, to, world: where.replace('weak ', ''), isWeak: where.startsWith('weak ') }))

/** Every one is noticed by its world within the schedules of mutants.test.ts. */
export const MUTANTS: readonly Mutant[] = [
  ...inFile('inventory.ts', [
    [
      'sold out as soon as an item is sold', 'soldOut',
      '=== this.items ? SOLD_OUT', '> 0 ? SOLD_OUT',
    ],
    [
      'a checkout ends what has not expired', 'twoBuyers',
      'if (stateOf(word) === HELD && nowMs >= readExpiresMs(words, at)) {', 'if (stateOf(word) === HELD) {',
    ],
    [
      'a checkout refuses what it has just freed', 'expiredForTwo',
      '      word = loadWord(words, at)\n    }', '    }',
    ],
    [
      'a checkout takes what is not free', 'twoBuyers',
      'if (stateOf(word) !== FREE) return stateOf(word) === SOLD', 'if (stateOf(word) === SOLD) return stateOf(word) === SOLD',
    ],
    [
      'a checkout does not ask for the limit', 'holdingLimit',
      'if (!this.limit.acquire(into.userLow, into.userHigh)) return USER_LIMIT_REACHED', 'this.limit.acquire(into.userLow, into.userHigh)',
    ],
    [
      'claiming without compare-and-swap', 'twoBuyers',
      'if (!casWord(words, at, word, claimed)) {', 'storeWord(words, at, claimed)\n    if (at < 0) {',
    ],
    [
      'a claim in the same tenure', 'twoBuyers',
      'const claimed = nextTenure(word, CLAIM)\n    if (!casWord', 'const claimed = withState(word, CLAIM)\n    if (!casWord',
    ],
    [
      'keeping the count of a lost claim', 'twoBuyers',
      '      this.limit.release(into.userLow, into.userHigh)\n      return', '      return',
    ],
    [
      'no HOLDING', 'holding',
      'into.word = withState(claimed, HOLDING)', 'into.word = withState(claimed, 3)',
    ],
    [
      'publishing before the payload is written', 'twoBuyers',
      '    writePayload(words, at, into, this.#owner)\n    storeWord(words, at, into.word)', '    storeWord(words, at, into.word)\n    writePayload(words, at, into, this.#owner)',
    ],
    [
      'not counting a reservation', 'twoBuyers',
      'this.tally.count(RESERVED)\n', '\n',
    ],
    [
      'not making a reservation final', 'twoBuyers',
      'this.#own(slot, holding, HELD)', 'this.#at(slot + holding)',
    ],
    [
      'a rolled back hold keeps its code', 'holding',
      'const releasing = this.#own(slot, holding, RELEASING)\n    forgetCode(this.#words, this.#at(slot))', 'const releasing = this.#own(slot, holding, RELEASING)',
    ],
    [
      'a rolled back hold is not released', 'holding',
      'this.#release(this.#at(slot), releasing)', 'this.#at(releasing)',
    ],
    [
      'not counting a roll-back', 'holding',
      'this.tally.count(ROLLED_BACK)', '',
    ],
    [
      'any code will do', 'holding',
      'if (!isCodeAt(words, at, code) || tenureOf', 'if (tenureOf',
    ],
    [
      'a code of any tenure', 'lateCode',
      ' || tenureOf(payloadGeneration(word)) !== code.tenure) return', ') return',
    ],
    [
      'buying in any state', 'oneCodeTwice',
      'if (refusal !== undefined) return refusal\n      if (nowMs', 'if (nowMs',
    ],
    [
      'buying after the expiry', 'purchaseCancelExpiry',
      'if (nowMs >= readExpiresMs(words, at)) return RESERVATION_EXPIRED', '',
    ],
    [
      'buying in the millisecond of the expiry', 'purchaseCancelExpiry',
      'if (nowMs >= readExpiresMs(words, at)) return RESERVATION_EXPIRED', 'if (nowMs > readExpiresMs(words, at)) return RESERVATION_EXPIRED',
    ],
    [
      'buying without compare-and-swap', 'oneCodeTwice',
      'if (!casWord(words, at, word, taken)) continue', 'storeWord(words, at, taken)',
    ],
    [
      'buying with the payload of nobody', 'oneCodeTwice',
      '      readPayload(words, at, into)\n      into.word = taken', '      into.word = taken',
    ],
    [
      'reading the payload before owning it', 'oneCodeTwice',
      "      if (!casWord(words, at, word, taken)) continue\n      readPayload(words, at, into)", '      readPayload(words, at, into)\n      casWord(words, at, word, taken)',
    ],
    [
      'a purchase is not the user\'s', 'twoBuyers',
      'this.limit.addPurchased(readUserLow(words, at), readUserHigh(words, at))', '',
    ],
    [
      'a purchase is not counted', 'twoBuyers',
      'addWord(words, SOLD_COUNT, 1)\n    this.#own(slot, buying, SOLD)\n  }\n\n  /** BUYING -> SOLD, but', 'this.#own(slot, buying, SOLD)\n  }\n\n  /** BUYING -> SOLD, but',
    ],
    [
      'a foreign purchase keeps the code', 'inDoubt',
      '    forgetCode(words, at)\n    addWord(words, SOLD_COUNT, 1)', '    addWord(words, SOLD_COUNT, 1)',
    ],
    [
      'a foreign purchase keeps the count', 'inDoubt',
      'this.#own(slot, buying, SOLD)\n    this.limit.release(readUserLow(words, at), readUserHigh(words, at))', 'this.#own(slot, buying, SOLD)',
    ],
    [
      'a foreign purchase uncounts first', 'inDoubt',
      'this.#own(slot, buying, SOLD)\n    this.limit.release(readUserLow(words, at), readUserHigh(words, at))', 'this.limit.release(readUserLow(words, at), readUserHigh(words, at))\n    this.#own(slot, buying, SOLD)',
    ],
    [
      'a definite error ends the reservation', 'inDoubt',
      'if (nowMs >= readExpiresMs(this.#words, at)) {', 'if (nowMs >= 0) {',
    ],
    [
      'an expired roll-back is not counted', 'inDoubt',
      'this.#own(slot, buying, RELEASING))\n      this.tally.count(EXPIRED)', 'this.#own(slot, buying, RELEASING))',
    ],
    [
      'a cancelled code is not forgotten', 'cancelledIsForgotten',
      '    forgetCode(this.#words, at)\n    this.#release(at, releasing)', '    this.#release(at, releasing)',
    ],
    [
      'a cancelled code is forgotten too late', 'cancelledAndNext',
      '    forgetCode(this.#words, at)\n    this.#release(at, releasing)', '    this.#release(at, releasing)\n    forgetCode(this.#words, at)',
    ],
    [
      'a cancellation is not counted', 'purchaseCancelExpiry',
      'this.tally.count(CANCELLED)', '',
    ],
    [
      'a cancellation frees at once', 'purchaseCancelExpiry',
      'const releasing = this.#own(slot, cancelling, RELEASING)\n    forgetCode', 'const releasing = this.#own(slot, cancelling, FREE)\n    forgetCode',
    ],
    [
      'a cancellation rolled back stays', 'cancelInDoubt',
      'this.#own(slot, cancelling, HELD)', 'this.#at(slot + cancelling)',
    ],
    [
      'the sweep believes its first look', 'expiredForTwo',
      'return stateOf(word) === HELD && nowMs >= readExpiresMs(words, at) && this.#expire(at, word)', 'return stateOf(word) === HELD && this.#expire(at, word)',
    ],
    [
      'the sweep ends what is being bought', 'purchaseCancelExpiry',
      'return stateOf(word) === HELD && nowMs', 'return nowMs',
    ],
    [
      'expiring without compare-and-swap', 'purchaseCancelExpiry',
      'if (!casWord(this.#words, at, word, releasing)) return false', 'storeWord(this.#words, at, releasing)',
    ],
    [
      'an expiry is not counted', 'purchaseCancelExpiry',
      'this.#release(at, releasing)\n    this.tally.count(EXPIRED)', 'this.#release(at, releasing)',
    ],
    [
      'an expiry frees at once', 'purchaseCancelExpiry',
      'const releasing = withState(word, RELEASING)', 'const releasing = nextTenure(word, FREE)',
    ],
    [
      'freeing before uncounting', 'lateCancel',
      `    this.limit.release(readUserLow(this.#words, at), readUserHigh(this.#words, at))
    storeWord(this.#words, at, nextTenure(releasing, FREE))`, `    storeWord(this.#words, at, nextTenure(releasing, FREE))
    this.limit.release(readUserLow(this.#words, at), readUserHigh(this.#words, at))`,
    ],
    [
      'freeing without uncounting', 'purchaseCancelExpiry',
      '    this.limit.release(readUserLow(this.#words, at), readUserHigh(this.#words, at))\n    storeWord', '    storeWord',
    ],
    [
      'freeing in the same tenure', 'purchaseCancelExpiry',
      'storeWord(this.#words, at, nextTenure(releasing, FREE))', 'storeWord(this.#words, at, withState(releasing, FREE))',
    ],
    [
      'believing a payload that was not confirmed', 'looker',
      'if (confirmWord(words, at, into.word)) return', 'return',
    ],
    [
      'confirming a payload by a load', 'weak looker',
      'if (confirmWord(words, at, into.word)) return', 'if (loadWord(words, at) === into.word) return',
    ],
    [
      'a restored code in any tenure', 'restored',
      'const claimed = packWord(generation + tenures * 2, CLAIM)', 'const claimed = packWord(generation + tenures * 0, CLAIM)',
    ],
  ]),
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

/** Changes that were tried and are none, or are beyond what these worlds can show. */
export const EQUIVALENTS: readonly Equivalent[] = [
  {
    name: 'enrolling after the cell is taken', file: 'user-limit.ts',
    from: '      enrol(words, reach, distance)\n      if (casWord(words, index, control, withState(control, CLAIMED))) return index - USER.control\n      dismiss(words, reach)',
    to: '      if (casWord(words, index, control, withState(control, CLAIMED))) {\n        enrol(words, reach, distance)\n        return index - USER.control\n      }',
    because: 'a CLAIMED cell is not looked for; the cell is still enrolled before it is announced, which is what INV-6 needs',
  },
  {
    name: 'refusing without a confirmation', file: 'user-limit.ts',
    from: '} else if (confirmWord(this.#words, index, control)) return false', to: '} else return false',
    because: 'the id is read before and after the load of the control word; to be wrong both must belong to other tenures of the cell than the load, which ' +
      'takes three users through one cell between two loads, and then refuses only a user whom another thread is just counting',
  },
  {
    name: 'the sweep does not look first', file: 'inventory.ts',
    from: '    if (stateOf(readWord(words, at)) !== HELD || nowMs < readExpiresMs(words, at)) return false\n    const word', to: '    const word',
    because: 'the first look is there for speed; the look that counts follows',
  },
  {
    name: 'a search does not look first', file: 'user-limit.ts',
    from: '      if (readWord(words, cell + USER.low) !== low || readWord(words, cell + USER.high) !== high) continue\n      const control', to: '      const control',
    because: 'the first look is there for speed; the look that counts follows',
  },
  {
    name: 'a checkout that loses an expired item goes on', file: 'inventory.ts',
    from: 'if (!this.#expire(at, word)) return ITEM_RESERVED', to: 'this.#expire(at, word)',
    because: 'it loads the word again and decides by that',
  },
  {
    name: 'an owner does not check', file: 'inventory.ts',
    from: 'if (!casWord(this.#words, this.#at(slot), word, changed)) throw broken(slot, word)', to: 'storeWord(this.#words, this.#at(slot), changed)',
    because: 'nobody else may leave the state (INV-7); the compare-and-swap is an assertion',
  },
]
