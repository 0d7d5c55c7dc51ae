/** A part of a rate profile: the rate goes in a straight line from one value to another. */
export interface RateStage {
  readonly lengthMs: number
  readonly fromPerSecond: number
  readonly toPerSecond: number
}

/**
 * A rate over time made of straight lines, and its inverse: when has this profile let through so
 * many arrivals? Arrivals that are even, or Poisson, under any rate are one walk along this
 * function (Cox and Lewis, "The Statistical Analysis of Series of Events", 1966: inversion of the
 * cumulative rate).
 */
export class RateProfile {
  /** Length of all stages. */
  readonly lengthMs: number
  /** Arrivals of all stages, with a fraction. */
  readonly arrivals: number
  private readonly stages: readonly RateStage[]
  private readonly startsMs: Float64Array
  private readonly before: Float64Array

  constructor(stages: readonly RateStage[]) {
    this.stages = stages
    this.startsMs = new Float64Array(stages.length)
    this.before = new Float64Array(stages.length)
    let atMs = 0
    let arrivals = 0
    for (const [index, stage] of stages.entries()) {
      this.startsMs[index] = atMs
      this.before[index] = arrivals
      atMs += stage.lengthMs
      arrivals += ((stage.fromPerSecond + stage.toPerSecond) / 2_000) * stage.lengthMs
    }
    this.lengthMs = atMs
    this.arrivals = arrivals
  }

  /** The rate at a moment; 0 outside the stages. */
  perSecondAt(atMs: number): number {
    for (const [index, stage] of this.stages.entries()) {
      const sinceMs = atMs - (this.startsMs[index] as number)
      if (sinceMs < 0 || sinceMs > stage.lengthMs) continue
      const slope = (stage.toPerSecond - stage.fromPerSecond) / stage.lengthMs
      return stage.fromPerSecond + slope * sinceMs
    }
    return 0
  }

  /**
   * The moment at which `count` arrivals (0 or more, a fraction allowed) have been let through;
   * Infinity when there are not so many. Stages are searched from `hint`, the stage of the last
   * answer, since counts only grow.
   */
  momentOf(count: number, hint: { stage: number }): number {
    while (hint.stage < this.stages.length) {
      const stage = this.stages[hint.stage] as RateStage
      const inStageMs = momentWithin(stage, count - (this.before[hint.stage] as number))
      if (inStageMs <= stage.lengthMs) return (this.startsMs[hint.stage] as number) + inStageMs
      hint.stage++
    }
    return Number.POSITIVE_INFINITY
  }
}

/**
 * Solves `from t + slope t^2 / 2 = count` for t >= 0. The form with the root in the denominator
 * loses no digits when the slope is small.
 */
function momentWithin(stage: RateStage, count: number): number {
  if (count <= 0) return 0
  const from = stage.fromPerSecond / 1_000
  const slope = (stage.toPerSecond - stage.fromPerSecond) / 1_000 / stage.lengthMs
  const root = from * from + 2 * slope * count
  if (root < 0) return Number.POSITIVE_INFINITY
  const denominator = from + Math.sqrt(root)
  return denominator === 0 ? Number.POSITIVE_INFINITY : (2 * count) / denominator
}
