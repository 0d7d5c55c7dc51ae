import type { StatementFault } from './statement-port.ts'

/**
 * What a failed statement means for its rows:
 * - `definite`: nothing was or will be written by this sending;
 * - `transient`: definite too, and the same rows may succeed at once (serialization failure, deadlock);
 * - `conflict`: definite; a key exists already, so the rows must be sent in the form that looks at it;
 * - `poison`: definite; a row's own value was refused (class 22 or 23), its neighbours are innocent;
 * - `in_doubt`: it may have been written, or may still be; only sending it again can tell.
 */
export type FailureClass = 'definite' | 'transient' | 'conflict' | 'poison' | 'in_doubt'

const BY_STATE: Readonly<Record<string, FailureClass>> = {
  '40001': 'transient', // serialization_failure
  '40P01': 'transient', // deadlock_detected
  '40003': 'in_doubt', // statement_completion_unknown
  '23505': 'conflict', // unique_violation
  '57P01': 'in_doubt', // admin_shutdown
  '57P02': 'in_doubt', // crash_shutdown
  '57P03': 'in_doubt', // cannot_connect_now
  '57P04': 'in_doubt', // database_dropped
  '57P05': 'in_doubt', // idle_session_timeout
}

const BY_CLASS: Readonly<Record<string, FailureClass>> = {
  '08': 'in_doubt', // connection exceptions, as a pooler in between reports them
  '22': 'poison', // data exceptions
  '23': 'poison', // integrity constraint violations
}

/**
 * Says what is known of the rows of a failed statement. The severity word is not consulted: it is
 * translated by the server's `lc_messages`, and a FATAL or PANIC is never followed by "ready", so
 * `delivery` already tells them from an ERROR.
 */
export function classify(fault: Pick<StatementFault, 'delivery' | 'sqlState'>): FailureClass {
  if (fault.delivery === 'not_sent') return 'definite'
  if (fault.delivery !== 'answered') return 'in_doubt'
  const state = fault.sqlState
  // An answer without a SQLSTATE is not from a PostgreSQL that we know.
  if (state === undefined) return 'in_doubt'
  return BY_STATE[state] ?? BY_CLASS[state.slice(0, 2)] ?? 'definite'
}
