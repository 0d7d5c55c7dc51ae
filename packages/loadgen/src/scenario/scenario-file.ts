import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { LoadgenError } from '../loadgen-error.ts'
import { type Scenario, SCENARIO_KIND } from './define-scenario.ts'

/**
 * Loads a scenario from a file, TypeScript or JavaScript, that exports it as `default` or as
 * `scenario`.
 *
 * @param path absolute. @param sha256 what the file must have, in hexadecimal.
 * @throws LoadgenError `LOADGEN_SCENARIO_INVALID`
 */
export async function loadScenarioFile(path: string, sha256: string): Promise<Scenario> {
  if (scenarioFileHash(path) !== sha256) {
    throw invalid(`${path} is another file on this machine, or has changed`)
  }
  let module: Record<string, unknown>
  try {
    module = (await import(pathToFileURL(path).href)) as Record<string, unknown>
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw invalid(`cannot load ${path}: ${what}`, error)
  }
  const scenario = module['default'] ?? module['scenario']
  if (isScenario(scenario)) return scenario
  throw invalid(`${path} exports no scenario: export default defineScenario({ ... })`)
}

/** @throws LoadgenError `LOADGEN_SCENARIO_INVALID` when it cannot be read. */
export function scenarioFileHash(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex')
  } catch (error) {
    throw invalid(`cannot read the scenario ${path}`, error)
  }
}

function isScenario(value: unknown): value is Scenario {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    value.kind === SCENARIO_KIND &&
    'iterate' in value &&
    typeof value.iterate === 'function' &&
    'steps' in value &&
    Array.isArray(value.steps)
  )
}

function invalid(sentence: string, cause?: unknown): LoadgenError {
  return new LoadgenError('LOADGEN_SCENARIO_INVALID', sentence, cause)
}
