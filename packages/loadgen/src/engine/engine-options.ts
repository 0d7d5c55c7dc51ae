import type { DueTimes } from '../arrivals/due-times.ts'
import type { LoadClock } from '../load-clock.ts'
import type { Snapshot } from './snapshot.ts'

/** What one thread's engine is told. */
export interface EngineOptions {
  readonly url: string
  /** Sent with every request that has none of its own. */
  readonly authorization: string | undefined
  readonly connections: number
  /** Iterations at once in a closed loop. */
  readonly concurrency: number
  /** Undefined for a closed loop. */
  readonly dueTimes: DueTimes | undefined
  /** Whether it is over when the last arrival is complete, as that of a trace, or lasts its time. */
  readonly endsWithArrivals: boolean
  /** Arrivals and requests that may wait; arrivals beyond are dropped. */
  readonly backlogMax: number
  readonly warmupMs: number
  /** Of the measured part. */
  readonly durationMs: number
  readonly requestTimeoutMs: number
  readonly rideThroughMs: number
  /** Connections are opened with a GET of this path before the run; undefined: by what needs them. */
  readonly preconnectPath: string | undefined
  /** Plain sockets instead of undici. */
  readonly isLean: boolean
  readonly clock: LoadClock
  readonly signal: AbortSignal | undefined
  /** Told once a second and at the end. */
  readonly onSnapshot: (snapshot: Snapshot) => void
  /** Calls recorded since the last time. */
  readonly takeCalls: () => Snapshot['calls']
}
