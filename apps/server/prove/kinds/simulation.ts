import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Kind } from '../kind.ts'
import { runProgram } from '../run-program.ts'

const SIMULATION = fileURLToPath(new URL('../../simulation/', import.meta.url))
/** Worlds of one leg: in so many, everything rare must have occurred. */
const WORLDS = 2_000
/** Several times what a leg takes on a busy machine. */
const LEG_MS_MAX = 3_600_000

/** What the simulation's campaign writes down: simulation/campaign.ts. */
interface WorldsSeen {
  readonly worlds: number
  readonly requests: number
  readonly failed: readonly { readonly seed: number; readonly violations: readonly string[] }[]
  readonly neverOccurred: readonly string[]
}

export const simulation: Kind = {
  name: 'simulation',
  summary: 'the whole server in simulated worlds that fail in every way (docs/simulation.md)',
  goals: { worlds: { small: 2_000, long: 100_000 } },
  run: async (trials) => {
    while (!trials.isOver) {
      const from = trials.seed(WORLDS)
      const file = trials.path('leg.json')
      const args = ['--from-seed', String(from), '--seeds', String(WORLDS), '--result', file]
      if (trials.leftMs !== Infinity) args.push('--for', `${Math.max(1, Math.ceil(trials.leftMs))}ms`)
      await runProgram('campaign.ts', args, { cwd: SIMULATION, withinMs: LEG_MS_MAX })
      const { worlds, requests, failed, neverOccurred } = JSON.parse(readFileSync(file, 'utf8')) as WorldsSeen
      trials.count('worlds', worlds)
      trials.count('requests', requests)
      for (const { seed, violations } of failed) {
        trials.failed({ seed, what: violations.slice(0, 3).join('; '), replay: `pnpm simulate --seed ${seed}` })
      }
      if (worlds >= WORLDS && neverOccurred.length > 0) trials.failed({ seed: from, what: `in ${worlds} worlds these never occurred: ${neverOccurred.join(', ')}` })
    }
  },
}
