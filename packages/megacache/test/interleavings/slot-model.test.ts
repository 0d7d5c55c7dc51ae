import { describe, expect, it } from 'vitest'
import { SLOT, SLOT_WORDS, USER, USER_WORDS, layoutFor } from '../../src/layout.ts'
import { generationOf, stateOf } from '../../src/slot-word.ts'
import { explore, type Stage, type World } from '../../src/testing/index.ts'
import { addCounts, SLOT_STATES } from '../../src/testing/interleavings/coverage.ts'
import { loadWatchedEngine } from '../../src/testing/interleavings/watched-engine.ts'
import { countOf, LIVE, stateOf as cellStateOf } from '../../src/user-word.ts'
import { MUTANTS } from './mutants.ts'
import type { Bug, ModelWorld, SlotName, Verb } from './slot-model-state.ts'
import { exploreModel, project } from './slot-model.ts'

const buys = (user: number, name: string): readonly Verb[] => [{ do: 'checkout', user, item: 0 }, { do: 'purchase', code: `${name}0`, item: 0 }]
const time: readonly Verb[] = [{ do: 'tick' }, { do: 'sweep' }]

const WORLDS = {
  race: { items: 1, limit: 1, threads: { a: buys(1, 'a'), b: buys(2, 'b'), time } },
  sameCode: {
    items: 1, limit: 1, given: 1,
    threads: { a: [{ do: 'purchase', code: 'g0', item: 0 }], b: [{ do: 'purchase', code: 'g0', item: 0 }], time },
  },
  limit: { items: 2, limit: 1, threads: { a: [{ do: 'checkout', user: 1, item: 0 }], b: [{ do: 'checkout', user: 1, item: 1 }], time } },
  threeItemsLimitTwo: {
    items: 3, limit: 2,
    threads: { a: [{ do: 'checkout', user: 1, item: 0 }], b: [{ do: 'checkout', user: 1, item: 1 }], c: [{ do: 'checkout', user: 1, item: 2 }] },
  },
  lostItem: {
    items: 2, limit: 2,
    threads: { a: [{ do: 'checkout', user: 1, item: 0 }], b: [{ do: 'checkout', user: 2, item: 0 }], c: [{ do: 'checkout', user: 1, item: 1 }] },
  },
  lateCode: {
    items: 1, limit: 1, given: 1,
    threads: { late: [{ do: 'purchase', code: 'g0', item: 0 }], next: [{ do: 'tick' }, { do: 'checkout', user: 2, item: 0 }] },
  },
  cancel: {
    items: 1, limit: 1, given: 1,
    threads: { a: [{ do: 'cancel', code: 'g0', item: 0 }], b: [{ do: 'purchase', code: 'g0', item: 0 }], time },
  },
  sweptTwice: { items: 1, limit: 1, given: 1, threads: { time, again: [{ do: 'checkout', user: 2, item: 0 }], third: [{ do: 'sweep' }] } },
  dying: { items: 1, limit: 1, mayDie: 'a', threads: { a: buys(1, 'a'), b: [{ do: 'checkout', user: 2, item: 0 }], time } },
  twoSales: {
    sales: 2, items: 1, limit: 1, given: 1,
    threads: {
      a: [{ do: 'purchase', code: 'g0', item: 0 }],
      b: [{ do: 'checkout', user: 1, item: 0, sale: 1 }, { do: 'purchase', code: 'g0', item: 0, sale: 1 }],
    },
  },
} satisfies Record<string, ModelWorld>

const BUGS: readonly (readonly [Bug, keyof typeof WORLDS])[] = [
  ['noGeneration', 'lateCode'], ['countRolledBackByCas', 'lostItem'], ['rollBackInDoubt', 'race'], ['resolveBySelect', 'race'],
  ['sweepBuying', 'sameCode'], ['countByCheckThenAdd', 'limit'], ['buyWithoutCas', 'sameCode'], ['freeBeforeUncount', 'sweptTwice'],
  ['sweepHolding', 'race'], ['codeBeforeDurable', 'race'], ['cancelBeforeDurable', 'cancel'], ['buyCancelling', 'cancel'],
  ['codeOfAnySale', 'twoSales'], ['keepLostCount', 'lostItem'],
]

describe('the abstract model of a slot', () => {
  it.each(Object.entries(WORLDS))('keeps every promise in every order: %s', (_name, world) => {
    const { wrong, states } = exploreModel(world)
    expect(wrong).toBeUndefined()
    expect(states).toBeGreaterThan(20)
  }, 60_000)

  it.each(BUGS)('shows what goes wrong with %s', (bug, world) => {
    expect(exploreModel(WORLDS[world], bug).wrong).toBeDefined()
  }, 60_000)
})

/** A world of the model, written once more for the engine. The store answers `commit` or `abort`, as in the model. */
function engineWorld({ limit, items, given = 0, threads }: ModelWorld, onState: (stage: Stage<readonly string[]>) => void): World<readonly string[]> {
  const perform = (stage: Stage<readonly string[]>, verb: Verb, codes: Map<string, string>, name: string): void => {
    const { sale } = stage
    if (verb.do === 'tick') stage.advance(1)
    else if (verb.do === 'sweep') sale.sweep()
    else if (verb.do === 'checkout') {
      const pending = sale.tryCheckout(verb.user, verb.item)
      if (!pending.ok) return
      if (stage.choose(2) === 1) pending.rollback()
      else {
        pending.confirm()
        codes.set(name, pending.code)
      }
    } else {
      const code = codes.get(verb.code)
      const pending = code === undefined ? undefined : verb.do === 'purchase' ? sale.tryPurchase(code) : sale.tryCancel(code)
      if (pending === undefined || !pending.ok) return
      if (stage.choose(2) === 0) pending.confirm()
      else pending.rollback()
    }
  }
  return {
    sale: { items, userLimit: limit, reservationTtlMs: 1 },
    hasSpreadUsers: true,
    before: ({ sale }) => Array.from({ length: given }, (_, item) => {
      const answer = sale.checkout(1, item)
      if (!answer.ok) throw new Error(answer.reason)
      return answer.reservation.code
    }),
    threads: Object.fromEntries(Object.entries(threads).map(([name, verbs]) => [name, (stage: Stage<readonly string[]>) => {
      const codes = new Map(stage.given.map((code, item) => [`g${item}`, code]))
      for (const [number, verb] of verbs.entries()) perform(stage, verb, codes, `${name}${number}`)
    }])),
    always: (stage) => { onState(stage); return undefined },
  }
}

/** What is in the engine's words, told as the model tells its own state. */
function projectionOf({ sale, nowMs }: Stage<unknown>): string {
  const words = new Int32Array(sale.handle.memory)
  const { slotsStart, usersStart, userCells } = layoutFor(sale.items)
  const slots = Array.from({ length: sale.items }, (_, item) => {
    const at = slotsStart + item * SLOT_WORDS
    return { state: SLOT_STATES[stateOf(words[at]!)] as SlotName, generation: generationOf(words[at]!), user: words[at + SLOT.userLow]! }
  })
  const counts = [0, 0, 0, 0]
  for (let cell = 0; cell < Math.min(userCells, 64); cell++) {
    const at = usersStart + cell * USER_WORDS
    if (cellStateOf(words[at]!) === LIVE) counts[words[at + USER.low]!] = countOf(words[at]!)
  }
  return project([{ slots, counts }], nowMs() - 1000)
}

describe('the engine', () => {
  it.each(['race', 'sameCode', 'limit', 'lostItem', 'lateCode', 'cancel', 'sweptTwice'] as const)(
    'reaches only states and transitions of the model: %s', async (name) => {
      const model = exploreModel(WORLDS[name])
      const reached = new Set<string>()
      const world = engineWorld(WORLDS[name], (stage) => { reached.add(projectionOf(stage)) })
      const coverage: Record<string, number> = {}
      for (const options of [{ preemptionsMax: 1 }, { schedules: 2000, seed: 20_261_122 }]) {
        const explored = await explore(world, options)
        expect(explored.wrong).toBeUndefined()
        addCounts(coverage, explored.coverage)
      }
      expect([...reached].filter((state) => !model.projections.has(state))).toEqual([])
      const transitions = Object.keys(coverage).filter((key) => /^[A-Z]+->[A-Z]+$/.test(key))
      expect(transitions.filter((transition) => !model.transitions.has(transition))).toEqual([])
      expect(reached.size).toBeGreaterThan(model.projections.size / 4)
    }, 60_000,
  )
  it.each([['no HOLDING', 'transitions'], ['freeing without uncounting', 'states']] as const)('with %s reaches others', async (name, what) => {
    const engine = await loadWatchedEngine(MUTANTS.find((mutant) => mutant.name === name))
    const model = exploreModel(WORLDS.race)
    const reached = new Set<string>()
    const world = engineWorld(WORLDS.race, (stage) => { reached.add(projectionOf(stage)) })
    const { coverage } = await explore(world, { schedules: 300, engine })
    const others = what === 'states' ? [...reached].filter((state) => !model.projections.has(state))
      : Object.keys(coverage).filter((key) => /^[A-Z]+->[A-Z]+$/.test(key) && !model.transitions.has(key))
    expect(others).not.toEqual([])
  }, 60_000)
})
