/** A parameter as PostgreSQL gets it: a Buffer goes in binary form, a string as text. */
export type StatementValue = Buffer | string | null

/** One statement, prepared under its name the first time a connection sees it. */
export interface Statement {
  /** Stable name of the prepared statement; one name, one text. */
  readonly name: string
  readonly text: string
  /**
   * Called once, at the moment the connection is free, so that a batch gathers rows until then. The
   * values are copied before `execute` goes on; their memory may be used again afterwards.
   */
  encode(): readonly StatementValue[]
}

/**
 * How far a failed statement came:
 * - `not_sent`: no byte of it was handed to the connection;
 * - `answered`: the server refused it and then said that it is ready again, so its transaction is over;
 * - `unanswered`: the connection broke, timed out or was closed before that;
 * - `unreplicated`: it committed here, but the wait for the synchronous standby was cut short.
 */
export type Delivery = 'not_sent' | 'answered' | 'unanswered' | 'unreplicated'

/** Why a statement has no result. */
export interface StatementFault {
  readonly delivery: Delivery
  /** The five-character SQLSTATE when the server named one. */
  readonly sqlState: string | undefined
  readonly error: Error
}

/** Rows as arrays of columns, in the text form that the driver parsed. */
export type StatementRows = readonly (readonly unknown[])[]

/** Called exactly once a statement, never inside `execute`. `rows` is empty when there is a fault. */
export type StatementCallback = (fault: StatementFault | undefined, rows: StatementRows) => void

/** `lost` carries the monotonic time since when there is no connection; `closed` is final. */
export type ConnectionState =
  | { readonly status: 'connected' }
  | { readonly status: 'lost', readonly sinceMs: number }
  | { readonly status: 'closed' }

/**
 * The narrow door to the database: the writers know nothing else of it, so that a simulated
 * database can stand behind it. One statement is in flight at a time, the others wait in order.
 */
export interface StatementPort {
  readonly state: ConnectionState
  execute(statement: Statement, callback: StatementCallback): void
  /** Calls `listener` after each change of state; returns how to stop that. */
  subscribe(listener: (state: ConnectionState) => void): () => void
}
