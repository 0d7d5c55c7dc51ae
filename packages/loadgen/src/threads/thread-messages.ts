import type { Snapshot, ThreadEnd } from '../engine/snapshot.ts'
import type { LoadgenErrorCode } from '../loadgen-error.ts'

/** What the thread that gathers says to a worker thread. */
export type ToThread = { readonly say: 'go' } | { readonly say: 'stop' }

/** An error that has crossed a thread or a machine. */
export interface SentError {
  /** Undefined for a bug. */
  readonly code: LoadgenErrorCode | undefined
  readonly message: string
  readonly stack: string | undefined
}

/** What a worker thread says. */
export type FromThread =
  | { readonly say: 'ready'; readonly steps: readonly string[] }
  | { readonly say: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly say: 'ended'; readonly end: ThreadEnd }
  | { readonly say: 'failed'; readonly error: SentError }
