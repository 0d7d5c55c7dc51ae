import { PersistenceError } from './persistence-error.ts'
import { sqlStateOf } from './sql-state.ts'

const INSUFFICIENT_PRIVILEGE = '42501'
const READ_ONLY_TRANSACTION = '25006'

/**
 * A fault with a code for what the driver or the server said: `missing_privilege` and `server_read_only` where the server
 * refuses for good reason, else `connection_lost` with the message given. A `PersistenceError` stays what it is.
 */
export function asPersistenceError(error: unknown, otherwise: string): PersistenceError {
  if (error instanceof PersistenceError) return error
  const said = error instanceof Error ? error.message : String(error)
  switch (sqlStateOf(error)) {
    case INSUFFICIENT_PRIVILEGE:
      return new PersistenceError('missing_privilege', `the role of this connection lacks a right: ${said}`, error)
    case READ_ONLY_TRANSACTION:
      return new PersistenceError('server_read_only', 'the database refuses writes', error)
    default:
      return new PersistenceError('connection_lost', otherwise, error)
  }
}
