import type { ArrivalPlan } from './arrivals/arrival-plan.ts'
import type { SaleStatus } from './sale-status.ts'

/** What is run: something that any thread of any machine can build for itself. */
export type ProgramSource =
  | {
      readonly kind: 'request'
      readonly method: string
      readonly path: string
      readonly headers: Readonly<Record<string, string>>
      readonly body: string | undefined
    }
  | { readonly kind: 'preset'; readonly name: string }
  | {
      readonly kind: 'file'
      /** Absolute. */
      readonly path: string
      /** Of the file's content: two machines must not run different scenarios. */
      readonly sha256: string
    }

/**
 * A run with every default filled in: plain data, the same for all threads and machines. Durations
 * in milliseconds.
 */
export interface RunPlan {
  readonly source: ProgramSource
  /** Without user and password. */
  readonly url: string
  /** Sent with every request that has no `authorization` of its own. */
  readonly authorization: string | undefined
  /** Over all threads and machines, as are `users` and the rates of `arrivals`. */
  readonly connections: number
  readonly users: number
  /** Decimal. */
  readonly firstUserId: string
  readonly seed: number
  readonly contenders: number
  readonly arrivals: ArrivalPlan
  readonly warmupMs: number
  readonly durationMs: number
  readonly requestTimeoutMs: number
  readonly rideThroughMs: number
  readonly backlogMax: number
  readonly preconnect: boolean
  /** Plain sockets instead of undici. */
  readonly lean: boolean
  readonly parameters: Readonly<Record<string, string>>
  /** Undefined unless the source is a preset of a flash sale. */
  readonly sale: SaleStatus | undefined
}

/** The part of a run that one thread does. */
export interface ThreadPlan {
  readonly plan: RunPlan
  readonly shard: { readonly index: number; readonly count: number }
  /**
   * One moment on two clocks: Unix time and the monotonic clock that all threads of a process share
   * (`process.hrtime`), so that their calls have comparable times.
   */
  readonly moment: { readonly unixMs: number; readonly hrtimeMs: number }
}

/** Connections of one shard: as even as possible, at least one. */
export function connectionsOf(plan: RunPlan, shard: ThreadPlan['shard']): number {
  return Math.max(1, Math.ceil((plan.connections - shard.index) / shard.count))
}
