import type { Logger } from 'pino'
import type { InstanceBoard } from '../instance-board.ts'
import { EXIT } from './exit-status.ts'
import type { ProcessOutput } from './process-output.ts'

interface Parts {
  readonly board: InstanceBoard
  readonly log: Logger
  readonly output: ProcessOutput
  readonly errors: ProcessOutput
}

/**
 * Ends the process when nothing more may be acknowledged. Recovery is the only repair.
 *
 * ```text
 *   running --another epoch, a dead thread, a broken invariant, an uncaught error--> stopped --> gone
 * ```
 *
 * | | running | stopped: one store, seen by all threads | gone |
 * | --- | --- | --- | --- |
 * | a new request | served | 503 `storage_unavailable`; `/livez` answers | connection refused |
 * | an answer that waits for the database | given | not given: 503, or the connection ends at its turn (ADR 14) | reset |
 * | a pipelined follower | served in its turn | 503, in its turn | reset |
 * | a pending look-up | answered | 503 | reset |
 * | a log line | written, or dropped and counted | one line, to standard error as well when the log's reader is behind | - |
 *
 * The order matters: the store first, because everything after it may take time. Nothing after it waits, neither for the
 * database nor for whoever reads the log; `process.exit` ends the threads where they are.
 */
export function failStop({ board, log, output, errors }: Parts, status: number, message: string): never {
  board.stop()
  if (status === EXIT.fenced) board.enter('fenced', Date.now())
  log.fatal(message)
  if (output.isWaiting) errors.write(`megacache: ${message}\n`)
  return process.exit(status)
}
