import type { ServerProcess } from '../../test/harness/server-process.ts'
import type { ToldCall } from './recorder.ts'
import { THREADS } from './terms.ts'

/** From the comparison with the proof to the client's reading of the answer, beside delays of this process itself. */
const ON_THE_WAY_MS = 100
/** How well the database's clock is known here. */
const CLOCK_MS = 20

/** On the clock of histories. */
export interface Moments {
  readonly pausedAtMs: number
  readonly resumedAtMs: number
  /** When the new epoch began, by the database. */
  readonly takenAtMs: number
  /** When that was known here. */
  readonly knownAtMs: number
  /** How late this process reads what has come, at most. */
  readonly readLateMs: number
}

/**
 * G10: throws when the old epoch has said 200 after the new one had begun. A thread that was stopped between the comparison
 * with the proof and the system call that sends the answer finishes that call when it runs again, as a network could
 * have held the answer back: at most one answer for each thread, to a request from before the pause. Returns how many.
 */
export function judgeOldEpoch(calls: readonly ToldCall[], old: ServerProcess, moments: Moments): number {
  const { pausedAtMs, resumedAtMs, takenAtMs, knownAtMs, readLateMs } = moments
  // It did not run when it was replaced: whatever it says afterwards is late. Otherwise its last words may be on their way.
  const wasStopped = resumedAtMs > takenAtMs + CLOCK_MS
  const lateFromMs = wasStopped ? resumedAtMs : takenAtMs + ON_THE_WAY_MS + readLateMs
  const late = calls.filter(({ by, status, sentAtMs, answeredAtMs }) =>
    by === old && status === 200 && (answeredAtMs > lateFromMs || sentAtMs > knownAtMs))
  const isExplained = wasStopped && late.length <= THREADS && late.every(({ sentAtMs }) => sentAtMs < pausedAtMs)
  if (isExplained || late.length === 0) return late.length
  const evidence = late.slice(0, 5).map(({ by, ...call }) => ({ ...call, instance: by.pid }))
  throw new Error(`${late.length} answers 200 of the old epoch after the take-over: ${JSON.stringify({ ...moments, lateFromMs, evidence })}`)
}
