/**
 * Attacks the service in every way we know, for as long as it is given, and writes down what came of it.
 *
 *     pnpm prove --for 30m                        all kinds in turn, each for its share of half an hour
 *     pnpm prove --for 30m --only simulation      one kind; started again it goes on where it was
 *     pnpm prove --small                          as much of each as .ci/run asks for
 *     pnpm prove --only kills --seed 17           the trial of one seed again
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Arguments, parseArguments, usage } from './arguments.ts'
import { Campaign } from './campaign.ts'
import { boundOf, resumeState } from './campaign-state.ts'
import type { Kind } from './kind.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const WRONG = 1
const USAGE_ERROR = 2

/** One kind for its time; returns what it found, in words. */
async function prove(kind: Kind, { forMs, size, seed, isFresh, results }: Arguments, signal: AbortSignal): Promise<string[]> {
  const directory = join(ROOT, '.prove', size, kind.name)
  const state = resumeState(kind, join(directory, 'state.json'), isFresh)
  const before = state.failures.length
  console.log(`\n=== ${kind.name}: ${kind.summary}`)
  const campaign = new Campaign(kind, state, directory, { forMs, size, onlySeed: seed, signal })
  await campaign.run()
  // A long campaign takes what fits.
  const missing = size === 'small' && seed === undefined
    ? Object.keys(kind.goals).filter((name) => campaign.wanted(name) > 0).map((name) => `${kind.name}: only ${campaign.counted(name)} ${name}`) : []
  if (state.failures.length > before || missing.length > 0) process.exitCode = WRONG
  if (results !== undefined) {
    mkdirSync(results, { recursive: true })
    writeFileSync(join(results, `${state.date.slice(0, 10)}-${kind.name}.json`), `${JSON.stringify(state, undefined, 2)}\n`)
  }
  return [boundOf(state, kind), ...missing]
}

async function run(args: Arguments): Promise<void> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      console.log('ends after the trial under way; what is counted is kept')
      stop.abort()
    })
  }
  const found: string[] = []
  for (const kind of args.kinds) if (!stop.signal.aborted) found.push(...await prove(kind, args, stop.signal))
  console.log(`\n${found.join('\n')}`)
}

function argumentsOrEnd(): Arguments {
  try {
    const args = parseArguments(process.argv.slice(2))
    if (args !== 'help') return args
    console.log(usage())
    return process.exit()
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage()}`)
    return process.exit(USAGE_ERROR)
  }
}

await run(argumentsOrEnd())
// What did not end has been told as a failure; it may not keep this process.
process.exit()
