import { standingWrong, wrongAtRest } from './standing-checks.ts'
import type { Progress, Theatre } from './theatre.ts'
import type { ThreadEnd } from './world.ts'

/** Counts how schedules ended. */
export class Tally {
  readonly outcomes: Map<string, number> = new Map<string, number>()
  ends = 0

  clear(): void {
    this.outcomes.clear()
    this.ends = 0
  }

  ended(outcome: string): void {
    this.ends++
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
  }
}

/** The threads' results in one line: `alice true; bob "item_reserved"; carol died`. */
export function endingOf<Given>({ names }: Theatre<Given>, threads: readonly Progress[]): string {
  return threads.map(({ state, result }, index) => `${names[index]} ${state === 'died' ? 'died' : shown(result)}`).join('; ')
}

/** What is wrong now that all threads have ended. Changes made by looking are not undone. */
export function wrongAtEnd<Given>(theatre: Theatre<Given>, threads: readonly Progress[]): string | undefined {
  const { world, observer, names } = theatre
  const hasDied = threads.some(({ state }) => state === 'died')
  const what = wrongAtRest(theatre, hasDied)
  if (what !== undefined || world.atEnd === undefined) return what
  const ends: Record<string, ThreadEnd> = {}
  const results: Record<string, unknown> = {}
  for (const [index, { state, result }] of threads.entries()) {
    const name = names[index]!
    ends[name] = state === 'died' ? { died: true } : { died: false, result }
    if (state !== 'died') results[name] = result
  }
  const wrong = world.atEnd({ stage: observer, threads: ends, results })
  return wrong ?? standingWrong(theatre)
}

function shown(result: unknown): string {
  return result === undefined ? 'done' : typeof result === 'string' ? result : JSON.stringify(result, (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value)
}
