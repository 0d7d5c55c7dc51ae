/**
 * What a run was aimed at; the first line that a run writes to its file. Times are Unix
 * milliseconds.
 */
export interface RunRecord {
  readonly scenario: string
  readonly url: string
  /** The sale current at the start; 0 when the target did not tell. */
  readonly saleId: number
  readonly items: number
  readonly userLimit: number
  /**
   * Whether the sale had nothing sold and nothing reserved at the start: only then must every row
   * be ours.
   */
  readonly startedEmpty: boolean
  /**
   * Ids of the run's users: this one and the following `userCount - 1`. Decimal text, since ids
   * are 64 bits wide.
   */
  readonly firstUserId: string
  readonly userCount: number
  readonly seed: number
  readonly startedAtMs: number
  /**
   * Milliseconds that a reservation lives, as the target says. Absent where nobody told: then nothing
   * is said about expiry without a ledger.
   */
  readonly reservationTtlMs?: number
}

/** The calls that a history knows; `read` is `GET /reservations/<code>`, `cancel` its DELETE. */
export type CallStep = 'checkout' | 'purchase' | 'cancel' | 'read'

/**
 * One request and how it ended. Each try is a call of its own: a purchase that is repeated with its
 * code is recorded as often as it was sent.
 *
 * | outcome | means | what must be in the ledger |
 * | --- | --- | --- |
 * | acknowledged | answered 2xx | its row, or its cancellation |
 * | refused | answered 4xx | nothing by this call |
 * | unknown | no answer (time-out, cut connection) or 5xx | its row or none |
 *
 * A request that never left is no call. Times are Unix milliseconds with a fraction, on one clock that
 * does not step during a run (the wall time at its start plus a monotonic clock): intervals are
 * compared with each other. `[sentAtMs, answeredAtMs]` contains whatever the call did, except for an
 * unknown one, which may have its effect later.
 */
export interface RecordedCall {
  readonly step: CallStep
  readonly outcome: 'acknowledged' | 'unknown' | 'refused'
  /** HTTP status; 0 when there was no answer. */
  readonly status: number
  /** The refusal's reason or the error's code; may be empty. */
  readonly reason: string
  /** The sale named by the code; 0 when there is no code. */
  readonly saleId: number
  /** The item asked for; of a read, the item answered (-1 when none was). */
  readonly itemId: number
  /** The user asked for; of a read, the user answered (empty when none was). */
  readonly userId: string
  /** The checkout code; empty for a checkout that gave none. */
  readonly code: string
  /** When it was sent. */
  readonly sentAtMs: number
  /** When it was answered or given up. */
  readonly answeredAtMs: number
  /** What an acknowledged read said: `reserved`, `purchased`, `expired`, ... */
  readonly state?: string
}

/** Runs and their calls: all that is needed to check a ledger. */
export interface History {
  readonly runs: readonly RunRecord[]
  readonly calls: readonly RecordedCall[]
}

/** Receives each record as it is made, to keep it beyond the life of this process. */
export interface HistorySink {
  run(record: RunRecord): void
  call(record: RecordedCall): void
  /** Makes everything received so far survive the end of this process. */
  flush(): void
}

/**
 * The history of one run, handed on to a sink as it grows and kept in memory unless told otherwise: a long
 * run under full load makes more calls than fit.
 */
export class CallHistory implements History {
  readonly runs: RunRecord[] = []
  /** Empty when they are not kept. */
  readonly calls: RecordedCall[] = []
  private readonly sink: HistorySink | undefined
  private readonly isKept: boolean

  constructor(sink?: HistorySink, isKept = true) {
    this.sink = sink
    this.isKept = isKept
  }

  addRun(record: RunRecord): void {
    this.runs.push(record)
    this.sink?.run(record)
  }

  addCall(record: RecordedCall): void {
    if (this.isKept) this.calls.push(record)
    this.sink?.call(record)
  }

  flush(): void {
    this.sink?.flush()
  }
}

/** Joins histories of several runs, for instance before and after a crash of the server. */
export function mergeHistories(histories: readonly History[]): History {
  return {
    runs: histories.flatMap((history) => history.runs),
    calls: histories.flatMap((history) => history.calls),
  }
}
