import { SeededRandom } from '../seeded-random.ts'
import { type ArrivalPlan, rateProfile } from './arrival-plan.ts'
import type { RateProfile } from './rate-profile.ts'

/** Which part of the arrivals a thread makes: every `count`-th, beginning with `index`. */
export interface Shard {
  /** 0-based. */
  readonly index: number
  /** Threads on all machines. */
  readonly count: number
}

/**
 * The due times of one shard in milliseconds from the begin of the run, ascending; `next` returns
 * Infinity when there are no more. Pure: the same plan, seed and shard give the same times, and the
 * shards of a plan together are the plan.
 */
export interface DueTimes {
  next(): number
}

/**
 * @returns undefined for a closed loop, which has no due times.
 * @throws LoadgenError `LOADGEN_OPTION_INVALID`
 */
export function dueTimes(
  plan: ArrivalPlan,
  lengthMs: number,
  seed: number,
  shard: Shard = { index: 0, count: 1 },
): DueTimes | undefined {
  const profile = rateProfile(plan, lengthMs)
  if (plan.kind === 'trace') return new Trace(plan.dueMs, lengthMs, shard)
  if (plan.kind === 'closed' || profile === undefined) return undefined
  return plan.isPoisson === true
    ? new Poisson(profile, seed, shard)
    : new Even(profile, shard)
}

/** The i-th arrival is due when the profile has let through i arrivals: the first at once. */
class Even implements DueTimes {
  private readonly profile: RateProfile
  private readonly stride: number
  private readonly hint = { stage: 0 }
  private count: number

  constructor(profile: RateProfile, shard: Shard) {
    this.profile = profile
    this.count = shard.index
    this.stride = shard.count
  }

  next(): number {
    if (this.count >= this.profile.arrivals) return Number.POSITIVE_INFINITY
    const dueMs = this.profile.momentOf(this.count, this.hint)
    this.count += this.stride
    return dueMs
  }
}

/** A Poisson process split at random is Poisson processes, so each shard draws its own. */
class Poisson implements DueTimes {
  private readonly profile: RateProfile
  private readonly random: SeededRandom
  private readonly stride: number
  private readonly hint = { stage: 0 }
  private sum = 0

  constructor(profile: RateProfile, seed: number, shard: Shard) {
    this.profile = profile
    this.random = new SeededRandom((seed + Math.imul(shard.index, 0x9e37_79b9)) >>> 0)
    this.stride = shard.count
  }

  next(): number {
    // 1 - u is in (0, 1], so the logarithm is finite.
    const u = this.random.next() / 0x1_0000_0000
    this.sum += -Math.log(1 - u) * this.stride
    return this.profile.momentOf(this.sum, this.hint)
  }
}

class Trace implements DueTimes {
  private readonly dueMs: readonly number[]
  private readonly lengthMs: number
  private readonly stride: number
  private index: number

  constructor(dueMs: readonly number[], lengthMs: number, shard: Shard) {
    this.dueMs = dueMs
    this.lengthMs = lengthMs
    this.index = shard.index
    this.stride = shard.count
  }

  next(): number {
    const due = this.dueMs[this.index]
    if (due === undefined || due > this.lengthMs) return Number.POSITIVE_INFINITY
    this.index += this.stride
    return due
  }
}
