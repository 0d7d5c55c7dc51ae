import type { MonotonicClock } from './clock.ts'
import type { StatementPort } from './statement-port.ts'
import type { Timers } from './timers.ts'

export interface BatchWriterOptions {
  readonly session: StatementPort
  /** The lease epoch that every batch is checked against. */
  readonly epoch: number
  /** Most rows of one statement. Default 512. */
  readonly batchRowsMax?: number
  /** Most rows accepted and not settled, rows in flight apart. Default 8,192. */
  readonly queueRowsMax?: number
  /** An outage longer than this settles waiting rows and refuses new ones. Default 1,000 ms. */
  readonly unavailableAfterMs?: number
  /** Told once when the database says that another instance is active. */
  readonly onFenced?: () => void
  readonly clock?: MonotonicClock
  readonly timers?: Timers
}

/** Why `submit` says no. */
export type SubmitRefusal = 'overloaded' | 'draining' | 'storage_unavailable' | 'fenced'

/** Counts since the start, and what is under way now. */
export interface WriterCounts {
  /** Statements that had an answer about their rows. */
  readonly batches: number
  readonly rowsSettled: number
  readonly rowsQueued: number
  /** Rows of the statement in flight. */
  readonly rowsInFlight: number
  /** Rows sent at least once and waiting to be sent again. */
  readonly rowsRetrying: number
  /** Sendings of batches in doubt. */
  readonly resolves: number
  readonly lastError: Error | undefined
  /** When the oldest row that was not sent yet came in, on the monotonic clock. */
  readonly oldestQueuedAtMs: number | undefined
}
