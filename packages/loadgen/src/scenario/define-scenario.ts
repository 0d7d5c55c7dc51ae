import type { SeededRandom } from '../seeded-random.ts'
import type { ScenarioTarget } from './scenario-target.ts'
import type { VirtualUser } from './virtual-user.ts'

/** What a scenario is told when it is set up on a thread. */
export interface ScenarioContext {
  readonly target: ScenarioTarget
  /** `--set name=value`, as they were given. */
  readonly parameters: Readonly<Record<string, string>>
  /** Seeded; each thread has its own. */
  readonly random: SeededRandom
  /** Which part of the users this thread has: every `count`-th, beginning with `index`. */
  readonly shard: { readonly index: number; readonly count: number }
}

/**
 * A load test: what one virtual user does, again and again.
 *
 * Each user has a state of its own, made once; `shared` is one value for all users of a thread. With
 * several threads or machines each has its own: split what must not be shared by
 * {@link ScenarioContext.shard}.
 */
export interface ScenarioDefinition<Step extends string, State, Shared> {
  /** Names of the requests, for the report: `purchase` is what `purchase.p99<50ms` means. */
  readonly steps: readonly Step[]
  /** Virtual users unless the command line says otherwise; default 1,000. */
  readonly users?: number
  /** Statuses from 400 on that are no errors, for all requests. */
  readonly expectedStatuses?: readonly number[]
  /** Path that opens the connections before the run; default: they open when needed. */
  readonly preconnectPath?: string
  /** What all users of a thread share. May ask the target. */
  shared?(context: ScenarioContext): Shared | Promise<Shared>
  /** The state of a user, made when it begins for the first time. */
  user?(user: VirtualUser<Step, undefined, Shared>): State
  /**
   * What a user does from one arrival to the end. A request that fails does not throw: its answer
   * says so. What this throws ends the run, as a mistake of the scenario.
   */
  iterate(user: VirtualUser<Step, State, Shared>): Promise<void>
}

/** What `defineScenario` returns: a definition that the tool can recognise. */
export interface Scenario<Step extends string = string, State = unknown, Shared = unknown>
  extends ScenarioDefinition<Step, State, Shared> {
  readonly kind: typeof SCENARIO_KIND
}

/** Marks a scenario, so that a file that exports something else is told so. */
export const SCENARIO_KIND = 'megacache-loadgen/scenario/1'

/**
 * Defines a scenario; its file exports it as `default` or as `scenario`.
 *
 * ```ts
 * export default defineScenario({
 *   steps: ['list', 'open'],
 *   async iterate(user) {
 *     const list = await user.get('list', '/articles')
 *     if (list.status === 200) await user.get('open', `/articles/${user.random.below(10)}`)
 *   },
 * })
 * ```
 */
export function defineScenario<const Step extends string, State = undefined, Shared = undefined>(
  definition: ScenarioDefinition<Step, State, Shared>,
): Scenario<Step, State, Shared> {
  return Object.freeze({ ...definition, kind: SCENARIO_KIND })
}
