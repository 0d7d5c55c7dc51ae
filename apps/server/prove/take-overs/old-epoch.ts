import type { ServerProcess } from '../../test/harness/server-process.ts'
import type { ToldCall } from './recorder.ts'

/** From the comparison with the proof to the client's reading of the answer, beside delays of this process itself. */
const ON_THE_WAY_MS = 100
/** How well the database's clock is known here. */
const CLOCK_MS = 20

/** The instance that was paused. */
export interface OldInstance {
  readonly process: ServerProcess
  readonly threads: number
}

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

/** G10: throws when the old epoch has said 200 after the new one had begun. Returns how many were being written at the pause. */
export function judgeOldEpoch(calls: readonly ToldCall[], old: OldInstance, moments: Moments): number {
  const { resumedAtMs, takenAtMs, knownAtMs, readLateMs } = moments
  // It did not run when it was replaced: whatever it says afterwards is late. Otherwise its last words may be on their way.
  const wasStopped = resumedAtMs > takenAtMs + CLOCK_MS
  const lateFromMs = wasStopped ? resumedAtMs : takenAtMs + ON_THE_WAY_MS + readLateMs
  const told = calls.filter(({ by }) => by === old.process)
  const late = told.filter(({ status, sentAtMs, answeredAtMs }) => status === 200 && (answeredAtMs > lateFromMs || sentAtMs > knownAtMs))
  if (late.length === 0 || (wasStopped && wereBeingWritten(late, told, old, moments))) return late.length
  const evidence = late.slice(0, 5).map(({ by, ...call }) => ({ ...call, instance: by.pid }))
  throw new Error(`${late.length} answers 200 of the old epoch after the take-over: ${JSON.stringify({ ...moments, lateFromMs, evidence })}`)
}

/**
 * ADR 14: a thread that was stopped between the comparison with the proof and the system call that sends the answer makes that
 * call when it runs again. So they answer requests from before the pause, are at most one for each thread, and the first that it
 * says. What they tell is a write, since only writes are asked for before a pause; that each has its row, which the old epoch
 * could not write any more, is judged with the ledger.
 */
function wereBeingWritten(late: readonly ToldCall[], told: readonly ToldCall[], { threads }: OldInstance, moments: Moments): boolean {
  const { pausedAtMs, resumedAtMs, readLateMs } = moments
  const isFromBefore = late.every(({ step, sentAtMs }) => step !== 'read' && sentAtMs < pausedAtMs)
  if (!isFromBefore || late.length > threads) return false
  // Which thread has answered is not known where there are several. Status 0: the end of the connection, not an answer.
  const answers = told.filter(({ status, answeredAtMs }) => status !== 0 && answeredAtMs > resumedAtMs)
  const firstAtMs = Math.min(...answers.map(({ answeredAtMs }) => answeredAtMs))
  return threads > 1 || late.every(({ answeredAtMs }) => answeredAtMs <= firstAtMs + readLateMs + CLOCK_MS)
}
