import { LoadgenError } from '../loadgen-error.ts'
import { Fifo } from '../engine/fifo.ts'
import type { LoadPort, Program, ProgramEnd } from '../engine/program.ts'
import type { CallRecorder } from '../sale/call-recorder.ts'
import type { Scenario, ScenarioContext } from './define-scenario.ts'
import { ScenarioUser } from './scenario-user.ts'

/** Pause after an iteration that made no request and did not pause, in milliseconds. */
const EMPTY_PAUSE_MS = 1

/** What the users of a thread need. */
export interface ScenarioSetting {
  readonly context: ScenarioContext
  /** Virtual users over all threads. */
  readonly users: number
  readonly seed: number
  readonly recorder: CallRecorder
  /** What to add to a reading of the monotonic clock for Unix time. */
  readonly unixOriginMs: number
}

/** Runs a scenario of promises: idle users begin in turn. */
export class ScenarioProgram implements Program {
  readonly steps: readonly string[]
  readonly ended: ProgramEnd | undefined = undefined
  readonly scenario: Scenario
  readonly setting: ScenarioSetting
  readonly shared: unknown
  readonly expectedStatuses: ReadonlySet<number>
  port!: LoadPort
  private readonly idle = new Fifo<ScenarioUser>()
  private readonly userCount: number
  private createdCount = 0
  private readonly counts = new Map<string, number>()

  /** Calls the scenario's `shared`; its errors become `LOADGEN_SCENARIO_INVALID`. */
  static async create(scenario: Scenario, setting: ScenarioSetting): Promise<ScenarioProgram> {
    try {
      return new ScenarioProgram(scenario, setting, await scenario.shared?.(setting.context))
    } catch (error) {
      throw error instanceof LoadgenError ? error : scenarioFault('shared', error)
    }
  }

  private constructor(scenario: Scenario, setting: ScenarioSetting, shared: unknown) {
    this.scenario = scenario
    this.setting = setting
    this.shared = shared
    this.steps = scenario.steps
    this.expectedStatuses = new Set(scenario.expectedStatuses)
    const { index, count } = setting.context.shard
    this.userCount = Math.max(0, Math.ceil((setting.users - index) / count))
  }

  attach(port: LoadPort): void {
    this.port = port
  }

  canBegin(): boolean {
    return this.idle.size > 0 || this.createdCount < this.userCount
  }

  begin(dueAtMs: number): void {
    const user = this.createdCount < this.userCount ? this.createUser() : this.idle.shift()
    if (user === undefined) throw new Error('no user is idle')
    void this.iterate(user, dueAtMs)
  }

  count(name: string, by: number): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + by)
  }

  counters(): Record<string, number> {
    return Object.fromEntries(this.counts)
  }

  private createUser(): ScenarioUser {
    const { index, count } = this.setting.context.shard
    const user = new ScenarioUser(this, this.createdCount++ * count + index)
    return user
  }

  /** An iteration that the end of the run cuts short is never resumed. */
  private async iterate(user: ScenarioUser, dueAtMs: number): Promise<void> {
    try {
      user.begin(dueAtMs)
      await this.scenario.iterate(user)
      if (user.isUntouched) await user.pause(EMPTY_PAUSE_MS)
    } catch (error) {
      return this.port.failed(scenarioFault('iterate', error))
    }
    this.idle.push(user)
    try {
      this.port.iterationDone()
    } catch (error) {
      this.port.failed(error)
    }
  }
}

function scenarioFault(where: string, error: unknown): LoadgenError {
  const what = error instanceof Error ? error.message : String(error)
  return new LoadgenError('LOADGEN_SCENARIO_INVALID', `the scenario's ${where}: ${what}`, error)
}
