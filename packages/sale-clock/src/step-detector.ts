import type { Clock } from './clock.ts'

/** A jump of wall time against monotonic time. */
export interface Step {
  /** How far wall time jumped, in milliseconds: positive forward, negative back. */
  readonly deltaMs: number
  /** A suspended machine and a clock set forward look alike from inside the process. */
  readonly kind: 'suspend-or-step-forward' | 'step-back'
}

/** Jumps up to this many milliseconds are taken for slewing and jitter, not for a step. */
export const stepThresholdMs: number = 500

/**
 * Notices jumps of wall minus monotonic time between two looks. Slow drift, as from a time daemon
 * that slews the clock, is not a jump, however far it leads over the hours.
 *
 * For one thread; each thread that cares keeps its own.
 */
export class StepDetector {
  readonly #clock: Clock
  #seen: OffsetBounds

  /** @param clock where both times come from; the first look is taken now */
  constructor(clock: Clock) {
    this.#clock = clock
    this.#seen = readOffset(clock)
  }

  /** Looks again. Returns the step since the last look, or undefined when there was none. */
  check(): Step | undefined {
    const before = this.#seen
    const now = readOffset(this.#clock)
    this.#seen = now
    // A step is certain only when every offset within both bounds agrees on it: a thread that
    // is descheduled between reading the two clocks widens the bounds instead of raising an alarm.
    const leastMs = now.minMs - before.maxMs
    const mostMs = now.maxMs - before.minMs
    if (leastMs > stepThresholdMs) return { deltaMs: leastMs, kind: 'suspend-or-step-forward' }
    if (mostMs < -stepThresholdMs) return { deltaMs: mostMs, kind: 'step-back' }
    return undefined
  }
}

interface OffsetBounds {
  readonly minMs: number
  readonly maxMs: number
}

function readOffset(clock: Clock): OffsetBounds {
  const earliestMs = clock.monotonicMs()
  const wallMs = clock.wallMs()
  const latestMs = clock.monotonicMs()
  return { minMs: wallMs - latestMs, maxMs: wallMs - earliestMs }
}
