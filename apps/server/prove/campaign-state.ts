import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { Failure, Kind } from './kind.ts'

/** All that is kept of a campaign of one kind; the result file is this. */
export interface CampaignState {
  readonly kind: string
  readonly date: string
  /** The commit that was attacked; with `+` when the tree had changes beside it. */
  readonly commit: string
  readonly node: string
  readonly cpu: string
  seconds: number
  nextSeed: number
  readonly counts: Record<string, number>
  readonly peaks: Record<string, number>
  readonly failures: Failure[]
}

/**
 * Goes on where the last campaign of this kind stopped. One of another commit is begun anew, but with seeds that have not
 * been tried.
 */
export function resumeState(kind: Kind, file: string, isFresh: boolean): CampaignState {
  const commit = currentCommit()
  const before = !isFresh && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as CampaignState : undefined
  if (before?.commit === commit && !commit.endsWith('+')) return before
  return {
    kind: kind.name, date: new Date().toISOString(), commit, node: process.version, cpu: cpus()[0]?.model.trim() ?? 'unknown',
    seconds: 0, nextSeed: before?.nextSeed ?? 1, counts: {}, peaks: {}, failures: [],
  }
}

/** What zero failures say, and what they do not: the rule of three. */
export function boundOf({ counts, failures }: CampaignState, { goals, name }: Kind): string {
  const unit = Object.keys(goals)[0] ?? 'trials'
  const count = counts[unit] ?? 0
  if (failures.length > 0) return `${name}: ${failures.length} failures in ${count} ${unit}`
  if (count === 0) return `${name}: nothing was tried`
  return `${name}: no failure in ${count} ${unit}; if they fail independently, with 95 % confidence fewer than ${percent(3 / count)} of them do`
}

function percent(share: number): string {
  return `${(Math.min(1, share) * 100).toPrecision(2)} %`
}

function currentCommit(): string {
  try {
    return git('rev-parse', '--short=12', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+')
  } catch {
    return 'unknown+'
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8' }).trim()
}
