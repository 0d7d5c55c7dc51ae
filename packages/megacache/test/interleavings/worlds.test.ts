import { describe, expect, it } from 'vitest'
import { explore, replay } from '../../src/testing/index.ts'
import { addCounts } from '../../src/testing/interleavings/coverage.ts'
import { loadWatchedEngine } from '../../src/testing/interleavings/watched-engine.ts'
import { EXHAUSTED_WORLDS, exhaustionOf, WORLDS } from './all-worlds.ts'
import { MUTANTS } from './mutants.ts'
import { REQUIRED, REQUIRED_WEAK } from './required.ts'
import type { CodesWorld } from './actors.ts'

const SEED = 20_261_122
const coverage: Record<string, number> = {}

describe('every interleaving of the engine', () => {
  it.each(Object.entries(EXHAUSTED_WORLDS))('is right in the world of %s', async (name, world) => {
    const explored = await explore(world, exhaustionOf(name))
    expect(explored.wrong).toBeUndefined()
    expect(Object.keys(explored.outcomes).length).toBeGreaterThan(0)
    addCounts(coverage, explored.coverage)
  }, 60_000)

  it.each(Object.entries(WORLDS))('is right at random in the world of %s', async (_name, world) => {
    for (const memory of ['sequential', 'weak'] as const) {
      const explored = await explore(world, { schedules: 1000, seed: SEED, memory })
      expect(explored.wrong, memory).toBeUndefined()
      addCounts(coverage, explored.coverage)
    }
  }, 60_000)

  /** Small enough for every value that a plain read may see. */
  it.each([
    'oneCodeTwice', 'purchaseCancelExpiry', 'lateCode', 'lateCancel', 'inDoubt', 'cancelInDoubt', 'cancelledAndTakenAgain', 'roomForOne', 'lostClaim',
    'looker', 'limitByExpired', 'closing',
  ])('is right with weak memory in the world of %s', async (name) => {
    const explored = await explore(WORLDS[name]!, { memory: 'weak', preemptionsMax: 1 })
    expect(explored.wrong).toBeUndefined()
    expect(explored.states).toBeGreaterThan(10)
  }, 60_000)

  it('has seen every transition and every lost compare-and-swap', () => {
    expect([...REQUIRED, ...REQUIRED_WEAK].filter((name) => coverage[name] === undefined)).toEqual([])
  })
})

describe('the explorer', () => {
  /** Small enough to be run through without any reduction. */
  const TINY = {
    oneCodeTwice: EXHAUSTED_WORLDS['oneCodeTwice']!,
    twoReleases: EXHAUSTED_WORLDS['twoReleases']!,
    closing: EXHAUSTED_WORLDS['closing']!,
    counts: EXHAUSTED_WORLDS['counts']!,
    purchaseOrCancel: {
      ...EXHAUSTED_WORLDS['purchaseCancelExpiry']!,
      threads: (({ buyer, canceller }) => ({ buyer: buyer!, canceller: canceller! }))(EXHAUSTED_WORLDS['purchaseCancelExpiry']!.threads),
      atEnd: () => undefined,
    },
  } satisfies Record<string, CodesWorld>

  it.each(Object.entries(TINY))('finds the same outcomes with and without pruning in the world of %s', async (_name, world) => {
    const pruned = await explore(world)
    const unpruned = await explore(world, { isPruned: false })
    expect(Object.keys(unpruned.outcomes).toSorted()).toEqual(Object.keys(pruned.outcomes).toSorted())
    expect(unpruned.states).toBeGreaterThan(pruned.states)
  }, 60_000)

  it.each(Object.entries({ ...TINY, lateCode: EXHAUSTED_WORLDS['lateCode']!, lostClaim: EXHAUSTED_WORLDS['lostClaim']! }))(
    'finds the same outcomes when every access is a scheduling point in the world of %s', async (_name, world) => {
      const reduced = await explore(world)
      const full = await explore(world, { isEverythingScheduled: true })
      expect(Object.keys(full.outcomes).toSorted()).toEqual(Object.keys(reduced.outcomes).toSorted())
      expect(full.states).toBeGreaterThan(reduced.states)
    }, 60_000,
  )

  it.each(['twoBuyers', 'lateCode', 'inDoubt', 'crowd'])('meets nothing at random in %s that all interleavings do not have', async (name) => {
    const random = await explore(WORLDS[name]!, { schedules: 3000, seed: SEED })
    const again = await explore(WORLDS[name]!, { schedules: 3000, seed: SEED })
    const other = await explore(WORLDS[name]!, { schedules: 3000, seed: SEED + 1 })
    expect(again).toEqual(random)
    expect(other.coverage).not.toEqual(random.coverage)
    if (!(name in EXHAUSTED_WORLDS)) return
    const all = await explore(WORLDS[name]!)
    expect(Object.keys(random.outcomes).filter((outcome) => !(outcome in all.outcomes))).toEqual([])
  }, 60_000)

  it.each(['going live without compare-and-swap', 'no generation', 'confirming a payload by a load', 'a dead sweeper is not noticed'])(
    'tells a schedule that shows it again: %s', async (name) => {
      const mutant = MUTANTS.find((each) => each.name === name)!
      const engine = await loadWatchedEngine(mutant)
      const world = WORLDS[mutant.world]!
      const { wrong } = await explore(world, { schedules: 50_000, seed: SEED, engine, memory: mutant.isWeak ? 'weak' : 'sequential' })
      const shown = await replay(world, wrong!.schedule, { engine })
      expect(shown.wrong).toBe(wrong!.what)
      expect(await replay(world, wrong!.schedule, { engine })).toEqual(shown)
      expect(shown.trace.length).toBeGreaterThan(10)
      expect((await replay(world, wrong!.schedule)).wrong).toBeUndefined()
    }, 60_000,
  )

  it('exhausts what memory may do: a confirmation by a load is noticed', async () => {
    const engine = await loadWatchedEngine(MUTANTS.find(({ isWeak, name }) => isWeak && name === 'confirming a payload by a load'))
    const weak = await explore(WORLDS['looker']!, { memory: 'weak', preemptionsMax: 1, engine })
    expect(weak.wrong!.what).toContain('it sees')
    expect((await replay(WORLDS['looker']!, weak.wrong!.schedule, { engine })).wrong).toBe(weak.wrong!.what)
    expect((await explore(WORLDS['looker']!, { engine })).wrong).toBeUndefined()
  }, 60_000)

  it('refuses worlds and schedules that are none', async () => {
    const { alice } = EXHAUSTED_WORLDS['twoBuyers']!.threads
    const sale = { items: 1, userLimit: 1, reservationTtlMs: 1 }
    await expect(explore({ sale, threads: {} })).rejects.toThrow('1 to 8 threads')
    await expect(explore({ sale, threads: { alice: alice as never }, mayDie: 'bob' })).rejects.toThrow('no thread is named bob')
    await expect(replay(EXHAUSTED_WORLDS['twoBuyers']!, 'a12 what')).rejects.toThrow('not part of a schedule: what')
    await expect(replay(EXHAUSTED_WORLDS['twoBuyers']!, 'a1 h2')).rejects.toThrow('not one of this world')
    await expect(explore(EXHAUSTED_WORLDS['twoBuyers']!, { statesMax: 10 })).rejects.toThrow('more than 10 states')
  })

  it('takes a thread that throws for wrong', async () => {
    const { wrong } = await explore({
      sale: { items: 1, userLimit: 1, reservationTtlMs: 1 },
      threads: { alice: ({ sale }) => sale.item(1), bob: ({ sale }) => sale.item(0).state },
    })
    expect(wrong!.what).toContain('item id 1 is not an integer')
  })
})
