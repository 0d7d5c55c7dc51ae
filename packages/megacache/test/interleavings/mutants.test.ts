import { describe, expect, it } from 'vitest'
import { explore, type ExploreOptions } from '../../src/testing/index.ts'
import { loadWatchedEngine } from '../../src/testing/interleavings/watched-engine.ts'
import { WORLDS } from './all-worlds.ts'
import { EQUIVALENTS } from './equivalents.ts'
import { MUTANTS } from './mutants.ts'

const SEED = 20_261_122

describe('the worlds', () => {
  it.each(MUTANTS)('notice: $name ($file, $world)', async ({ world, isWeak, ...change }) => {
    const engine = await loadWatchedEngine(change)
    const options: ExploreOptions = { schedules: 50_000, seed: SEED, memory: isWeak ? 'weak' : 'sequential', engine }
    const { wrong } = await explore(WORLDS[world]!, options)
    expect(wrong).toBeDefined()
    expect(wrong!.what, 'a mutant must run').not.toMatch(/ReferenceError|TypeError/)
    // The same world finds nothing in the engine as it is: it is the mutant that it notices.
    expect((await explore(WORLDS[world]!, { schedules: 200, seed: SEED })).wrong).toBeUndefined()
  }, 60_000)

  it.each(EQUIVALENTS)('do not notice: $name, because $because', async ({ because, ...change }) => {
    const engine = await loadWatchedEngine(change)
    expect(because.length).toBeGreaterThan(20)
    for (const [name, world] of Object.entries(WORLDS)) {
      expect((await explore(world, { schedules: 100, seed: SEED, engine })).wrong, name).toBeUndefined()
    }
  }, 60_000)

  it('are tried with at least fifty mutants, no two alike', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
    expect(MUTANTS.length).toBeGreaterThanOrEqual(50)
  })
})
