import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Kind, Trials } from '../kind.ts'
import { runProgram } from '../run-program.ts'

const ENGINE = fileURLToPath(new URL('../../../../packages/megacache/', import.meta.url))
/** One start of the engine's campaign goes on for so long at most; it keeps its place in a file. */
const LEG_MS_MAX = 1_800_000
/** A world that is being exhausted when the time is over is finished first. */
const LAST_WORLD_MS_MAX = 600_000

/** What the engine's campaign writes down: packages/megacache/test/interleavings/campaign.ts. */
interface EngineCampaign {
  readonly states: number
  readonly schedules: { readonly sequential: number; readonly weak: number }
  readonly failures: readonly { readonly world: string; readonly what: string; readonly schedule: string }[]
}

export const interleavings: Kind = {
  name: 'interleavings',
  summary: 'the engine\'s own code in every order of its shared accesses (docs/interleavings.md)',
  goals: { schedules: { small: 1_000_000, long: 100_000_000 }, states: { small: 100_000, long: 100_000_000 } },
  run: async (trials) => {
    const seed = trials.seed()
    while (!trials.isOver) {
      const file = trials.path(`campaign-${seed}.json`)
      const before = read(file)
      const status = await leg(trials, seed, file, before)
      const after = read(file)
      trials.count('states', after.states - before.states)
      trials.count('schedules', total(after) - total(before))
      for (const { world, what, schedule } of after.failures) {
        trials.failed({ seed, what: `${world}: ${what}`, replay: `pnpm --filter=megacache campaign --replay ${world} '${schedule}'` })
      }
      if (status !== 0 && after.failures.length === 0) trials.failed({ seed, what: `the engine's campaign ended with ${status}; what it printed says why` })
      if (status !== 0) return
    }
  },
}

function leg(trials: Trials, seed: number, file: string, before: EngineCampaign): Promise<number> {
  const schedules = trials.wanted('schedules')
  const forMs = Math.min(trials.leftMs, schedules > 0 && trials.leftMs === Infinity ? Infinity : LEG_MS_MAX)
  const args = ['--seed', String(seed), '--out', file]
  if (schedules > 0) args.push('--schedules', String(total(before) + schedules))
  if (forMs !== Infinity) args.push('--for', `${Math.max(1, Math.ceil(forMs / 1000))}s`)
  return runProgram('test/interleavings/campaign.ts', args, { cwd: ENGINE, withinMs: Math.min(forMs, 2 ** 31 - 1 - LAST_WORLD_MS_MAX) + LAST_WORLD_MS_MAX })
}

function read(file: string): EngineCampaign {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as EngineCampaign : { states: 0, schedules: { sequential: 0, weak: 0 }, failures: [] }
}

function total({ schedules }: EngineCampaign): number {
  return schedules.sequential + schedules.weak
}
