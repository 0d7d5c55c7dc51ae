import type { Equivalent } from './mutant.ts'

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
