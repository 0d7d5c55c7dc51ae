import { type ArrivalPlan, isPoisson } from '../arrivals/arrival-plan.ts'
import type { CheckedOptions } from '../load-options.ts'
import type { RunPlan } from '../run-plan.ts'
import type { OptionValue } from '../run-result.ts'

/** Every option as it was in effect, by its name on the command line, for the report. */
export function optionsInEffect(
  options: CheckedOptions,
  plan: RunPlan,
): Record<string, OptionValue> {
  return {
    url: plan.url,
    connections: plan.connections,
    threads: options.threads,
    users: plan.users,
    'first-user': plan.firstUserId,
    arrivals: arrivalText(plan.arrivals),
    warmup: plan.warmupMs,
    duration: plan.durationMs,
    timeout: plan.requestTimeoutMs,
    'ride-through': plan.rideThroughMs,
    backlog: plan.backlogMax,
    contenders: plan.contenders,
    seed: plan.seed,
    cold: !plan.preconnect,
    lean: plan.lean,
    'sale-id': plan.sale?.saleId ?? null,
    items: plan.sale?.items ?? null,
    'user-limit': plan.sale?.userLimit ?? null,
    threshold: options.thresholds.map(({ text }) => text),
    set: Object.entries(plan.parameters).map(([name, value]) => `${name}=${value}`),
    at: options.at.map(({ host, port }) => `${host}:${port}`),
  }
}

/** An arrival plan in a few words: `constant 200/s, Poisson`. */
export function arrivalText(plan: ArrivalPlan): string {
  const poisson = isPoisson(plan) ? ', Poisson' : ''
  switch (plan.kind) {
    case 'closed':
      return 'closed loop'
    case 'constant':
      return `constant ${plan.perSecond}/s${poisson}`
    case 'ramp':
      return `ramp ${plan.fromPerSecond}/s to ${plan.toPerSecond}/s${poisson}`
    case 'step':
      return `step ${plan.perSecond.join('/s, ')}/s${poisson}`
    case 'spike':
      return (
        `spike ${plan.basePerSecond}/s to ${plan.peakPerSecond}/s ` +
        `at ${plan.atMs} ms for ${plan.lengthMs} ms${poisson}`
      )
    default:
      return `trace of ${plan.dueMs.length} arrivals`
  }
}
