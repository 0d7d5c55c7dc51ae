import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CheckedOptions } from '../load-options.ts'
import { findPreset, type PRESETS, presetNamed } from '../presets/preset-table.ts'
import type { ProgramSource, RunPlan } from '../run-plan.ts'
import type { SaleStatus } from '../sale-status.ts'
import type { Scenario } from '../scenario/define-scenario.ts'
import { scenarioFileHash } from '../scenario/scenario-file.ts'

/** A request that is repeated. */
export interface RepeatedRequestOptions {
  /** Path and query, beginning with a slash. */
  readonly path: string
  /** Default GET. */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/**
 * What to run: the name of a preset, the file of a scenario, a scenario itself (one thread on this
 * machine only), or one request again and again.
 */
export type ScenarioChoice =
  | string
  | URL
  | Scenario
  | { readonly request: RepeatedRequestOptions }

/** A choice, understood. */
export interface UnderstoodChoice {
  readonly source: ProgramSource
  /** For the report. */
  readonly name: string
  readonly preset: (typeof PRESETS)[number] | undefined
  readonly scenario: Scenario | undefined
}

/** @throws LoadgenError `LOADGEN_SCENARIO_INVALID` or `LOADGEN_OPTION_INVALID` */
export function understandChoice(choice: ScenarioChoice): UnderstoodChoice {
  if (typeof choice === 'string' && !/[./\\]/.test(choice)) {
    const preset = presetNamed(choice)
    const source = { kind: 'preset', name: preset.name } as const
    return { source, name: preset.name, preset, scenario: undefined }
  }
  if (typeof choice === 'string' || choice instanceof URL) {
    const path = choice instanceof URL ? fileURLToPath(choice) : resolve(choice)
    const source = { kind: 'file', path, sha256: scenarioFileHash(path) } as const
    return { source, name: String(choice), preset: undefined, scenario: undefined }
  }
  if ('request' in choice) {
    const { path, method = 'GET', headers = {}, body } = choice.request
    const source = { kind: 'request', method, path, headers, body } as const
    return { source, name: `${method} ${path}`, preset: undefined, scenario: undefined }
  }
  const source = { kind: 'file', path: '', sha256: '' } as const
  return { source, name: 'scenario', preset: undefined, scenario: choice }
}

/** Whether a name is a preset's. */
export function isPreset(name: string): boolean {
  return findPreset(name) !== undefined
}

/** The plan that all threads of a run share. */
export function makePlan(
  source: ProgramSource,
  options: CheckedOptions,
  sale: SaleStatus | undefined,
): RunPlan {
  const { at: _at, clock: _clock, thresholds: _thresholds, threads: _threads, ...rest } = options
  const { saleId: _id, items: _items, userLimit: _limit, firstUserId, ...plain } = rest
  return { ...plain, source, sale, firstUserId: firstUserId.toString() }
}
