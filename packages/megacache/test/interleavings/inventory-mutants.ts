import { inFile, type Mutant } from './mutant.ts'

/** Protections of the slots. */
export const INVENTORY_MUTANTS: readonly Mutant[] = inFile('inventory.ts', [
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
    'the sweep believes its first look', 'sweptOneByOne',
    'return stateOf(word) === HELD && nowMs >= readExpiresMs(words, at) && this.#expire(at, word)', 'return stateOf(word) === HELD && this.#expire(at, word)',
  ],
  [
    'the sweep ends what is being bought', 'sweptOneByOne',
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
    '    this.limit.release(readUserLow(this.#words, at), readUserHigh(this.#words, at))\n    storeWord(this.#words, at, nextTenure(releasing, FREE))', '    storeWord(this.#words, at, nextTenure(releasing, FREE))\n    this.limit.release(readUserLow(this.#words, at), readUserHigh(this.#words, at))',
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
    'lowering the bound before publishing', 'lookedAtWhileReserved',
    '    storeWord(words, at, into.word)\n    this.due.lower(slot, into.expiresMs)', '    this.due.lower(slot, into.expiresMs)\n    storeWord(words, at, into.word)',
  ],
  [
    'not lowering the bound', 'reservedLater',
    '    this.due.lower(slot, into.expiresMs)\n', '',
  ],
  [
    'a restored reservation does not lower the bound', 'restoredInOrder',
    '    this.due.lower(code.slot, expiresMs)\n', '',
  ],
  [
    'a look counts only what nobody is buying', 'backAfterItsEnd',
    'if (state !== HELD && state !== HOLDING && state !== BUYING && state !== CANCELLING) continue', 'if (state !== HELD) continue',
  ],
  [
    'a look does not count what it could not end', 'backAfterItsEnd',
    'if (leftMs === 0 && state === HELD && this.#expire(at, word)) released++\n        else untilMs', 'if (leftMs === 0) {\n          if (state === HELD && this.#expire(at, word)) released++\n        } else untilMs',
  ],
  [
    'a look ends what has not run out', 'reservedLater',
    'if (leftMs === 0 && state', 'if (leftMs >= 0 && state',
  ],
  [
    'a restored code in any tenure', 'restored',
    'const claimed = packWord(generation + tenures * 2, CLAIM)', 'const claimed = packWord(generation + tenures * 0, CLAIM)',
  ],
])
