import type { Program } from '../engine/program.ts'
import { presetNamed } from '../presets/preset-table.ts'
import type { ThreadPlan } from '../run-plan.ts'
import type { CallRecorder } from '../sale/call-recorder.ts'
import type { Scenario } from '../scenario/define-scenario.ts'
import { loadScenarioFile } from '../scenario/scenario-file.ts'
import { ScenarioProgram } from '../scenario/scenario-program.ts'
import { scenarioTarget } from '../scenario/scenario-target.ts'
import { SeededRandom } from '../seeded-random.ts'
import { RepeatedRequest } from './repeated-request.ts'

/** A program, and how its connections are opened. */
export interface BuiltProgram {
  readonly program: Program
  readonly preconnectPath: string | undefined
}

/**
 * Builds what a thread runs. `scenario` is one that was given as an object, which only this thread
 * can have.
 *
 * @throws LoadgenError `LOADGEN_SCENARIO_INVALID`
 */
export async function buildProgram(
  thread: ThreadPlan,
  recorder: CallRecorder,
  unixOriginMs: number,
  scenario?: Scenario,
): Promise<BuiltProgram> {
  const { plan, shard } = thread
  const { source } = plan
  const build = async (definition: Scenario): Promise<BuiltProgram> => {
    const random = new SeededRandom((plan.seed + shard.index) >>> 0)
    const target = scenarioTarget(plan.url, plan.requestTimeoutMs, plan.authorization)
    const context = { target, parameters: plan.parameters, random, shard }
    const { users, seed } = plan
    const setting = { context, users, seed, recorder, unixOriginMs }
    const program = await ScenarioProgram.create(definition, setting)
    return { program, preconnectPath: definition.preconnectPath }
  }
  if (scenario !== undefined) return build(scenario)
  if (source.kind === 'request') {
    return { program: new RepeatedRequest(source, plan), preconnectPath: undefined }
  }
  if (source.kind === 'file') return build(await loadScenarioFile(source.path, source.sha256))
  const made = presetNamed(source.name).make(thread, recorder)
  if ('iterate' in made) return build(made)
  return { program: made, preconnectPath: '/sale' }
}
