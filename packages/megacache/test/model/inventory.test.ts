import { beforeAll, describe, expect, it } from 'vitest'
import { SLOT, SLOT_WORDS, SOLD_COUNT } from '../../src/layout.ts'
import { BUYING, CANCELLING, FREE, HELD, HOLDING, SOLD, stateOf } from '../../src/slot-word.ts'
import { type EngineCopy, loadEngine, type SeededBug } from './engine-copy.ts'
import { type Exploration, explore, unscheduled } from './explore.ts'
import { SlotThread, type Step } from './slot-threads.ts'
import { CLOCK_WORD, tinyMemory } from './tiny-memory.ts'

interface Case {
  readonly items?: number
  readonly limit?: number
  /** Item 0 is reserved by user 1 before the threads start, and they all know its code. */
  readonly isReserved?: boolean
  readonly threads: readonly (readonly Step[])[]
}

const reserve = (user: number, item = 0): Step => ({ do: 'reserve', user, item })
const [BUY, BUY_IN_VAIN, CANCEL, TICK, SWEEP]: readonly Step[] =
  [{ do: 'buy' }, { do: 'buyInVain' }, { do: 'cancel' }, { do: 'tick' }, { do: 'sweep' }] as never

const CASES = {
  twoBuyers: { threads: [[reserve(1), BUY!], [reserve(2), BUY!]] },
  twoBuyersAndTheSweep: { threads: [[reserve(1), BUY!], [reserve(2), BUY!], [TICK!, SWEEP!]] },
  oneCodeTwice: { isReserved: true, threads: [[BUY!], [BUY!]] },
  purchaseOrCancel: { isReserved: true, threads: [[BUY!], [CANCEL!]] },
  lateCode: { isReserved: true, threads: [[BUY!], [TICK!, reserve(2)]] },
  lateCancel: { isReserved: true, threads: [[CANCEL!], [TICK!, reserve(2)]] },
  expiredTwice: { isReserved: true, threads: [[TICK!, SWEEP!], [reserve(2)], [reserve(3)]] },
  cancelledAndTakenAgain: { isReserved: true, threads: [[CANCEL!, reserve(2)], [BUY!]] },
  rolledBack: { isReserved: true, threads: [[BUY_IN_VAIN!], [TICK!, SWEEP!], [BUY!]] },
  threeItemsLimitTwo: {
    items: 3, limit: 2, threads: [[reserve(1, 0)], [reserve(1, 1)], [reserve(1, 2)]],
  },
  lostClaim: { limit: 1, threads: [[reserve(1)], [reserve(1)], [{ do: 'giveUp', user: 2, item: 0 }]] },
  looker: { isReserved: true, threads: [[{ do: 'look', item: 0 }], [TICK!, reserve(2)]] },
} satisfies Record<string, Case>

const BUGS: readonly (SeededBug & { readonly name: string; readonly shownBy: keyof typeof CASES })[] = [
  {
    name: 'no generation', shownBy: 'lateCode', file: 'slot-word.ts',
    from: '(((word >>> STATE_BITS) + 1) << STATE_BITS) | state', to: '((word >>> STATE_BITS) << STATE_BITS) | state',
  },
  bug(
    'freeing before uncounting', 'expiredTwice',
    `    this.limit.release(readUserLow(this.#words, at), readUserHigh(this.#words, at))
    storeWord(this.#words, at, nextTenure(releasing, FREE))`,
    `    storeWord(this.#words, at, nextTenure(releasing, FREE))
    this.limit.release(readUserLow(this.#words, at), readUserHigh(this.#words, at))`,
  ),
  bug(
    'sweeping what is being bought', 'twoBuyersAndTheSweep',
    `    if (stateOf(readWord(words, at)) !== HELD || nowMs < readExpiresMs(words, at)) return false
    const word = loadWord(words, at)
    return stateOf(word) === HELD &&`,
    `    const word = loadWord(words, at)
    return (stateOf(word) === HELD || stateOf(word) === BUYING) &&`,
  ),
  bug('buying without compare-and-swap', 'oneCodeTwice', 'if (!casWord(words, at, word, taken)) continue', 'storeWord(words, at, taken)'),
  bug(
    'expiring without compare-and-swap', 'expiredTwice',
    'if (!casWord(this.#words, at, word, releasing)) return false', 'storeWord(this.#words, at, releasing)',
  ),
  bug('claiming without compare-and-swap', 'twoBuyers', 'if (!casWord(words, at, word, claimed)) {', 'storeWord(words, at, claimed)\n    if (at < 0) {'),
  bug('keeping the count of a lost claim', 'lostClaim', '      this.limit.release(into.userLow, into.userHigh)\n', ''),
  bug('claiming before counting', 'threeItemsLimitTwo', 'if (!this.limit.acquire(into.userLow, into.userHigh)) return USER_LIMIT_REACHED', ''),
  bug(
    'publishing before the payload is written', 'looker',
    `    writePayload(words, at, into, this.#owner)
    storeWord(words, at, into.word)`,
    `    storeWord(words, at, into.word)
    writePayload(words, at, into, this.#owner)`,
  ),
  bug(
    'not comparing the code', 'lateCode',
    'if (!isCodeAt(words, at, code) || tenureOf(payloadGeneration(word)) !== code.tenure) return UNKNOWN_CODE', '',
  ),
  bug('believing a payload that was not confirmed', 'looker', 'if (confirmWord(words, at, into.word)) return', 'return'),
]

describe('every interleaving of the slots', () => {
  let engine: EngineCopy
  beforeAll(async () => {
    engine = await loadEngine()
  })

  it.each(Object.entries<Case>(CASES))('sells once, to the right user, and counts exactly: %s', (_name, each) => {
    const { wrong, states, ends } = run(engine, each)
    expect(wrong).toBeUndefined()
    expect(ends).toBeGreaterThan(1)
    expect(states).toBeGreaterThan(50)
  }, 60_000)

  it.each(BUGS)('shows what goes wrong with $name', async ({ shownBy, ...seeded }) => {
    const broken = await loadEngine(seeded)
    expect(run(broken, CASES[shownBy]).wrong).toBeDefined()
  }, 60_000)
})

function bug(name: string, shownBy: keyof typeof CASES, from: string, to: string): (typeof BUGS)[number] {
  return { name, shownBy, file: 'inventory.ts', from, to }
}

function run(engine: EngineCopy, each: Case): Exploration {
  const { items = 1, limit = 2, isReserved = false, threads } = each
  const { memory, layout, ...bounds } = tinyMemory(items, limit)
  const inventories = unscheduled(() => [...threads, []].map((_, owner) => new engine.Inventory(memory, layout, owner)))
  const slotThreads = inventories.map((inventory) => new SlotThread(engine, inventory, memory))
  const observer = inventories.at(-1)!
  const given = isReserved ? unscheduled(() => slotThreads.at(-1)!.reserve(1, 0)) : undefined
  if (typeof given === 'string') throw new Error(given)

  const owned = (user: number, states: readonly number[]): number => {
    let count = 0
    for (let slot = 0; slot < items; slot++) {
      const at = layout.slotsStart + slot * SLOT_WORDS
      if (memory[at + SLOT.userLow] === user && states.includes(stateOf(memory[at]!))) count++
    }
    return count
  }
  const countOf = (user: number): number => {
    const counts = { count: 0, purchased: 0 }
    observer.limit.read(user, 0, counts)
    return counts.count
  }
  return explore({
    memory, ...bounds,
    isMerged: (index) => index >= layout.reachesStart,
    programs: threads.map((steps, index) => slotThreads[index]!.program(steps, given)),
    invariant: () => {
      for (const user of [1, 2, 3]) {
        const [count, own] = [countOf(user), owned(user, [HOLDING, HELD, BUYING, SOLD, CANCELLING])]
        if (own > count) return `user ${user} owns ${own} and is counted with ${count}`
        if (count > limit) return `user ${user} is counted with ${count}`
      }
      return undefined
    },
    atEnd: (results) => {
      const said = results.join('; ')
      const bought = said.match(/bought/g)?.length ?? 0
      if (/STOLEN|LATE/.test(said)) return said
      for (const [, generation, user] of said.matchAll(/saw g(\d+) u(\d+)/g)) {
        const isTrue = generation === '1' ? user === '1' : generation !== '3' || user === '2'
        if (!isTrue) return said
      }
      memory[CLOCK_WORD] = 99
      for (let slot = 0; slot < items; slot++) {
        observer.releaseExpired(slot, 99)
        const state = stateOf(observer.wordOf(slot))
        if (state !== FREE && state !== SOLD) return `slot ${slot} is left in state ${state}: ${said}`
      }
      if (memory[SOLD_COUNT] !== bought) return `${memory[SOLD_COUNT]} are counted as sold: ${said}`
      for (const user of [1, 2, 3]) {
        if (countOf(user) !== owned(user, [SOLD])) return `user ${user} is left with a count of ${countOf(user)}: ${said}`
      }
      return undefined
    },
  })
}
