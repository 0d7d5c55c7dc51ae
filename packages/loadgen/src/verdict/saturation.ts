import type { ArrivalResult, GeneratorThread, InvalidReason } from '../run-result.ts'

/**
 * Limits beyond which the generator, not the target, has made the numbers. Each looks at one thread
 * over the measured part.
 */
export const SATURATION_LIMITS = {
  /** Seconds measured before CPU and event loop are judged: a shorter run is mostly compilation. */
  secondsMin: 3,
  /** Share of the seconds in which the thread used 95 % of a core or more. */
  busySecondShare: 0.5,
  /** Share of the time in which the event loop had work but no CPU. */
  starvedShare: 0.25,
  /** Lateness of the event loop, 99th percentile, in milliseconds. */
  loopLagP99Ms: 50,
  /** Lateness of arrivals before any wait for a connection, 99th percentile, in milliseconds. */
  arrivalLagP99Ms: 50,
} as const

/**
 * Why a measurement must not be believed; empty when it can be. Latencies of a generator that was
 * late, or had no CPU left, are its own.
 */
export function invalidReasons(
  threads: readonly GeneratorThread[],
  arrivals: Pick<ArrivalResult, 'dueCount' | 'droppedCount' | 'leftOverCount'>,
  requestCount: number,
): InvalidReason[] {
  const reasons: InvalidReason[] = []
  if (requestCount === 0) {
    reasons.push({ code: 'nothing_measured', sentence: 'no request ended in the measured part' })
  }
  const { droppedCount, leftOverCount, dueCount } = arrivals
  // Those that still waited at the end are the target's doing, and their waits are in the percentiles.
  const refusedCount = droppedCount - leftOverCount
  if (refusedCount > 0) {
    const share = percent(refusedCount / Math.max(1, dueCount))
    const sentence =
      `${refusedCount} of ${dueCount} arrivals (${share}) were dropped because the backlog was full: ` +
      'how long they would have waited is not known, only that it is at least the time-out'
    reasons.push({ code: 'arrivals_dropped', sentence })
  }
  for (const thread of threads) reasons.push(...reasonsOf(thread))
  return reasons
}

function reasonsOf(thread: GeneratorThread): InvalidReason[] {
  const limits = SATURATION_LIMITS
  const reasons: InvalidReason[] = []
  const who = `thread ${thread.threadIndex} of ${thread.machine}`
  const { secondCount, busySecondCount, starvedShare, loopLagMs, arrivalLagMs } = thread
  if (secondCount >= limits.secondsMin) {
    if (busySecondCount >= limits.busySecondShare * secondCount) {
      const sentence =
        `${who} used a whole core in ${busySecondCount} of ${secondCount} seconds; ` +
        'use more --threads, more machines or less load'
      reasons.push({ code: 'cpu_limit', sentence })
    }
    if (starvedShare !== undefined && starvedShare >= limits.starvedShare) {
      const sentence =
        `${who} had work but no CPU for ${percent(starvedShare)} of the time; ` +
        'something else uses this machine'
      reasons.push({ code: 'cpu_starved', sentence })
    }
    if (loopLagMs.p99 >= limits.loopLagP99Ms) {
      const sentence = `the event loop of ${who} was ${loopLagMs.p99.toFixed(1)} ms late (p99)`
      reasons.push({ code: 'loop_lag', sentence })
    }
  }
  if (arrivalLagMs.p99 >= limits.arrivalLagP99Ms) {
    const sentence = `${who} took up arrivals ${arrivalLagMs.p99.toFixed(1)} ms late (p99)`
    reasons.push({ code: 'arrival_lag', sentence })
  }
  return reasons
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
