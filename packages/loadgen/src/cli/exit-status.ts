import type { RunResult } from '../run-result.ts'

/**
 * What the exit status says. When several apply, the first of this table is given: a violated
 * invariant stays true whatever else went wrong; thresholds mean nothing when the measurement does
 * not.
 *
 * | status | means |
 * | --- | --- |
 * | 97 | an invariant is violated; the evidence is printed |
 * | 98 | the target is unreachable |
 * | 1 | usage error, a fault of the generator or of reading the ledger, or a worker was lost |
 * | 96 | the run is INVALID: the generator was saturated, or dropped arrivals |
 * | 95 | a proof was asked for, and nothing was there to prove |
 * | 99 | a threshold is broken |
 * | 95 | `compare`: a limit could not be judged, since there are too few runs |
 * | 130 | a signal ended it before anything was answered, or a second one at once |
 * | 0 | the run ended and nothing was wrong |
 */
export const EXIT_STATUS = {
  ok: 0,
  fault: 1,
  notJudged: 95,
  invalid: 96,
  violated: 97,
  unreachable: 98,
  threshold: 99,
  interrupted: 130,
} as const

/** What is known of a run when its status is decided. */
export interface RunFindings {
  readonly isViolated: boolean
  readonly isUnreachable: boolean
  /** Something was not measured or not checked. */
  readonly isFaulty: boolean
  readonly isInvalid: boolean
  /** A proof was asked for, and no answer was there that it could have refuted. */
  readonly isUnproved: boolean
  readonly isThresholdBroken: boolean
}

/** The exit status of a run, by the precedence of {@link EXIT_STATUS}. */
export function exitStatusOf(findings: RunFindings): number {
  if (findings.isViolated) return EXIT_STATUS.violated
  if (findings.isUnreachable) return EXIT_STATUS.unreachable
  if (findings.isFaulty) return EXIT_STATUS.fault
  if (findings.isInvalid) return EXIT_STATUS.invalid
  if (findings.isUnproved) return EXIT_STATUS.notJudged
  return findings.isThresholdBroken ? EXIT_STATUS.threshold : EXIT_STATUS.ok
}

/** What is known from the result of a run alone; a run without one answer is never a measurement. */
export function findingsOf(
  result: RunResult,
  { allowSaturated = false }: { readonly allowSaturated?: boolean } = {},
): RunFindings {
  // The user may let a busy generator pass, not a run in which nothing was asked.
  const reasons = result.invalidReasons.filter(
    ({ code }) => !allowSaturated || code === 'nothing_measured',
  )
  return {
    isViolated: false,
    isUnreachable: result.ended === 'target_unreachable',
    isFaulty: !result.isComplete,
    isInvalid: reasons.length > 0,
    isUnproved: false,
    isThresholdBroken: result.thresholds.some(({ isMet }) => !isMet),
  }
}
