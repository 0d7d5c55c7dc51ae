import { parseArgs } from 'node:util'
import { runWorld } from './scenario/run-world.ts'

/** Runs the world of one seed again, exactly, and prints all that happens in it. Exit status 1: it broke a guarantee. */
const { values } = parseArgs({ options: { seed: { type: 'string' }, quiet: { type: 'boolean', default: false } } })
const seed = Number(values.seed ?? Number.NaN)
if (!Number.isSafeInteger(seed) || seed < 0) {
  console.error('usage: replay.ts --seed N [--quiet]')
  process.exit(2)
}
const { counters, ...result } = await runWorld({ seed, ...(values.quiet ? {} : { show: (line: string) => console.log(line) }) })
console.log(JSON.stringify(values.quiet ? { ...result, counters } : result, null, 2))
process.exitCode = result.violations.length === 0 ? 0 : 1
