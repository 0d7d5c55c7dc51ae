import { parseArgs } from 'node:util'
import { MUTANTS } from './mutants.ts'
import { SourceModules } from './runtime/source-modules.ts'
import { runWorld } from './scenario/run-world.ts'

/** Where each mutant whose name contains `--only` is found: run it when worlds have moved, and write the seeds down. */
const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, from: { type: 'string' }, worlds: { type: 'string', default: '400' }, all: { type: 'boolean', default: false } },
})
for (const { name, changes = [], protections, fromSeed } of MUTANTS.filter((mutant) => mutant.name.includes(values.only))) {
  new SourceModules(changes).checkFit()
  const first = Number(values.from ?? fromSeed)
  let found = 0
  for (let seed = first; seed < first + Number(values.worlds) && (found === 0 || values.all); seed++) {
    const { violations } = await runWorld({ seed, changes, ...(protections === undefined ? {} : { protections }) })
    if (violations.length === 0) continue
    found++
    console.log(`${name}: seed ${seed}: ${violations.slice(0, 2).join(' | ').slice(0, 300)}`)
  }
  if (found === 0) console.log(`${name}: SURVIVED ${values.worlds} worlds from ${first}`)
}
