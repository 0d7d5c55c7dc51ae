import { LoadgenError } from '../loadgen-error.ts'
import { RateProfile, type RateStage } from './rate-profile.ts'

/** Lowest and highest rate, in arrivals a second. */
export const RATE_BOUNDS: { readonly min: number; readonly max: number } = {
  min: 0.001,
  max: 1_000_000,
}

/** Most steps of a step plan, and most lines of a trace. */
const STEPS_MAX = 1_000
const TRACE_LENGTH_MAX = 10_000_000

/**
 * When iterations begin. `closed`: the next when the last has ended. All others are open: due
 * times go on whatever the target does. Rates are iterations a second over all threads and
 * machines.
 */
export type ArrivalPlan =
  | { readonly kind: 'closed' }
  | {
      readonly kind: 'constant'
      readonly perSecond: number
      readonly isPoisson?: boolean
    }
  | {
      readonly kind: 'ramp'
      readonly fromPerSecond: number
      readonly toPerSecond: number
      readonly isPoisson?: boolean
    }
  | {
      readonly kind: 'step'
      /** Each lasts an equal part of the run. */
      readonly perSecond: readonly number[]
      readonly isPoisson?: boolean
    }
  | {
      readonly kind: 'spike'
      readonly basePerSecond: number
      readonly peakPerSecond: number
      /** Begin of the peak, from the begin of the run, warm-up included. */
      readonly atMs: number
      readonly lengthMs: number
      readonly isPoisson?: boolean
    }
  | {
      readonly kind: 'trace'
      /** Milliseconds from the begin of the run, ascending. */
      readonly dueMs: readonly number[]
    }

/** Whether the gaps between arrivals are random. */
export function isPoisson(plan: ArrivalPlan): boolean {
  return 'isPoisson' in plan ? (plan.isPoisson ?? false) : false
}

/** Names of the plans. */
export type ArrivalKind = ArrivalPlan['kind']

/**
 * The rate over `lengthMs` (warm-up and measured part) that a plan asks for; undefined for plans
 * without a rate.
 *
 * @throws LoadgenError `LOADGEN_OPTION_INVALID` when a rate, a moment or a trace makes no sense.
 */
export function rateProfile(plan: ArrivalPlan, lengthMs: number): RateProfile | undefined {
  const stages = stagesOf(plan, lengthMs)
  return stages === undefined ? undefined : new RateProfile(stages)
}

function stagesOf(plan: ArrivalPlan, lengthMs: number): RateStage[] | undefined {
  if (plan.kind === 'closed') return undefined
  if (plan.kind === 'trace') {
    checkTrace(plan.dueMs)
    return undefined
  }
  switch (plan.kind) {
    case 'constant':
      return [flat(lengthMs, checkRate(plan.perSecond, 'the rate'))]
    case 'ramp': {
      const fromPerSecond = checkRate(plan.fromPerSecond, 'the rate that a ramp begins with')
      const toPerSecond = checkRate(plan.toPerSecond, 'the rate that a ramp ends with')
      return [{ lengthMs, fromPerSecond, toPerSecond }]
    }
    case 'step': {
      const { perSecond } = plan
      if (perSecond.length === 0 || perSecond.length > STEPS_MAX) {
        throw invalid(`a step plan has 1 to ${STEPS_MAX} rates, not ${perSecond.length}`)
      }
      const each = lengthMs / perSecond.length
      return perSecond.map((rate) => flat(each, checkRate(rate, 'the rate of a step')))
    }
    default:
      return spikeStages(plan, lengthMs)
  }
}

function spikeStages(plan: ArrivalPlan & { kind: 'spike' }, lengthMs: number): RateStage[] {
  const base = checkRate(plan.basePerSecond, 'the rate beside a spike')
  const peak = checkRate(plan.peakPerSecond, 'the rate of a spike')
  const endMs = plan.atMs + plan.lengthMs
  if (!(plan.atMs >= 0) || !(plan.lengthMs > 0) || !(endMs <= lengthMs)) {
    throw invalid(`a spike must lie within the run of ${lengthMs} ms`)
  }
  return [
    flat(plan.atMs, base),
    flat(plan.lengthMs, peak),
    flat(lengthMs - endMs, base),
  ].filter((stage) => stage.lengthMs > 0)
}

function flat(lengthMs: number, perSecond: number): RateStage {
  return { lengthMs, fromPerSecond: perSecond, toPerSecond: perSecond }
}

function checkRate(perSecond: number, what: string): number {
  if (perSecond >= RATE_BOUNDS.min && perSecond <= RATE_BOUNDS.max) return perSecond
  throw invalid(`${what} must be ${RATE_BOUNDS.min} to ${RATE_BOUNDS.max} a second, not ${perSecond}`)
}

function checkTrace(dueMs: readonly number[]): void {
  if (dueMs.length === 0 || dueMs.length > TRACE_LENGTH_MAX) {
    throw invalid(`a trace has 1 to ${TRACE_LENGTH_MAX} arrivals, not ${dueMs.length}`)
  }
  let last = 0
  for (const [index, due] of dueMs.entries()) {
    if (!(due >= last)) throw invalid(`arrival ${index + 1} of the trace is not after the last one`)
    last = due
  }
}

function invalid(sentence: string): LoadgenError {
  return new LoadgenError('LOADGEN_OPTION_INVALID', sentence)
}
