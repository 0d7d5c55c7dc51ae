import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { MUTANTS } from './mutants.ts'
import { SourceModules } from './runtime/source-modules.ts'
import { runWorld } from './scenario/run-world.ts'

/** So many worlds from a mutant's own seed on: a change of the product moves what happens at a seed. */
const WORLDS_MAX = 400

const APP = new URL('../', import.meta.url)

test.each(MUTANTS.flatMap(({ name, alsoFoundBy }) => alsoFoundBy === undefined ? [] : [{ name, alsoFoundBy }]))(
  '$name is found by a test beside the simulation, which is where it is said to be', ({ alsoFoundBy }) => {
    const [file = '', ...words] = alsoFoundBy.split(': ')
    expect(readFileSync(new URL(file, APP), 'utf8')).toContain(words.join(': '))
  })

describe('without a protection a guarantee breaks:', () => {
  test.each(MUTANTS)('$name', { timeout: 300_000 }, async ({ changes = [], protections, fromSeed }) => {
    new SourceModules(changes).checkFit()
    for (let seed = fromSeed; seed < fromSeed + WORLDS_MAX; seed++) {
      const { violations } = await runWorld({ seed, changes, ...(protections === undefined ? {} : { protections }) })
      if (violations.length > 0) return
    }
    expect.fail(`survived ${WORLDS_MAX} worlds from seed ${fromSeed} on`)
  })
})
