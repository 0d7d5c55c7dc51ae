import { parseArgs } from 'node:util'
import { MUTANTS } from './mutants.ts'
import { SourceModules } from './runtime/source-modules.ts'
import { runWorld } from './scenario/run-world.ts'

/** Where each mutant whose name contains `--only` is found: run it when worlds have moved, and write the seeds down. `--part 1/2`: every second. */
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' }, from: { type: 'string' }, worlds: { type: 'string', default: '400' },
    all: { type: 'boolean', default: false }, part: { type: 'string', default: '1/1' },
  },
})
const [part, parts] = values.part.split('/').map(Number) as [number, number]
const wanted = MUTANTS.filter(({ name }, index) => name.includes(values.only) && index % parts === part - 1)
for (const { name, changes = [], protections, fromSeed } of wanted) {
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
