import type { ArrivalPlan } from '../arrivals/arrival-plan.ts'
import type { Program } from '../engine/program.ts'
import type { ThreadPlan } from '../run-plan.ts'
import type { CallRecorder } from '../sale/call-recorder.ts'
import type { Scenario } from '../scenario/define-scenario.ts'

/** A scenario that comes with the tool, for a flash sale with the HTTP interface of megacache. */
export interface Preset {
  readonly name: string
  /** Names that it had, still understood. */
  readonly aliases?: readonly string[]
  /** One line for the help. */
  readonly summary: string
  /** Whether it sells out, so that `--expect-sold-out` makes sense. */
  readonly sellsOut: boolean
  /** What it wants unless told otherwise. */
  readonly durationMs?: number
  readonly requestTimeoutMs?: number
  /** Arrivals that make it what it is, for a run of this length. */
  readonly arrivals?: (durationMs: number) => ArrivalPlan
  /** What a thread runs. */
  make(thread: ThreadPlan, recorder: CallRecorder): Program | Scenario
}
