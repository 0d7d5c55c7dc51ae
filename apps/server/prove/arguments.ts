import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parseDuration } from '../src/duration.ts'
import type { Kind } from './kind.ts'
import { KINDS } from './kinds.ts'

/** Dated files of long campaigns. */
const RESULTS = fileURLToPath(new URL('results/', import.meta.url))

export interface Arguments {
  readonly kinds: readonly Kind[]
  /** For each kind; Infinity: until all is counted. */
  readonly forMs: number
  readonly size: 'small' | 'long'
  /** The one trial to run. */
  readonly seed: number | undefined
  /** Earlier counts do not matter. */
  readonly isFresh: boolean
  /** Where result files go, if any are written. */
  readonly results: string | undefined
}

/** What the command line asks for, or `help`. Throws a RangeError or TypeError that says what makes no sense. */
export function parseArguments(args: readonly string[]): Arguments | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      for: { type: 'string' }, small: { type: 'boolean', default: false }, only: { type: 'string' }, seed: { type: 'string' },
      fresh: { type: 'boolean', default: false }, results: { type: 'string' }, help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  const kinds = values.only === undefined ? KINDS : values.only.split(',').map(kindNamed)
  const forMs = values.for === undefined ? Infinity : parseDuration(values.for)
  if (forMs === undefined || forMs === 0) throw new RangeError('--for is a duration such as 30m')
  const seed = values.seed === undefined ? undefined : wholeNumber('--seed', values.seed)
  if (seed !== undefined && kinds.length !== 1) throw new RangeError('--seed needs --only with one kind')
  if (values.results !== undefined && !existsSync(values.results)) throw new RangeError('--results is a folder that exists')
  return {
    kinds, forMs: forMs / kinds.length, size: values.small ? 'small' : 'long', seed,
    // A check starts from nothing; a campaign goes on.
    isFresh: values.fresh || values.small || seed !== undefined,
    results: values.results ?? (values.small || seed !== undefined ? undefined : RESULTS),
  }
}

export function usage(): string {
  const kinds = KINDS.map(({ name, summary, goals }) => `  ${name.padEnd(14)}  ${summary}\n${' '.repeat(18)}${goalsText(goals)}`)
  return `usage: pnpm prove [options]

  --for 30m       for so long, shared by the kinds (a number of ms, s, m, h or d); default: until everything is counted
  --only a,b      these kinds only
  --small         as much as .ci/run asks for, from the start; status 1 when that was not reached
  --seed N        the one trial of this seed; needs --only with one kind
  --fresh         forget earlier counts
  --results DIR   where the dated result files go; default apps/server/prove/results

status: 0 nothing failed, 1 something did, 2 these options make no sense

kinds:
${kinds.join('\n')}`
}

function goalsText(goals: Kind['goals']): string {
  return Object.entries(goals).map(([name, { small, long }]) => `${small} ${name} with --small, ${long} without`).join('; ')
}

function kindNamed(name: string): Kind {
  const kind = KINDS.find((one) => one.name === name)
  if (kind === undefined) throw new RangeError(`no such kind: ${name}`)
  return kind
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} is a whole number`)
  return value
}
