export { type BatchRow } from './batch-statement.ts'
export { BatchWriter, type BatchWriterOptions, type SubmitRefusal, type WriterCounts } from './batch-writer.ts'
export { type CancelRow, CancelWriter } from './cancel-writer.ts'
export { type CheckoutRow, CheckoutWriter } from './checkout-writer.ts'
export { type Connection } from './client-config.ts'
export { type MonotonicClock, processClock } from './clock.ts'
export { classify, type FailureClass } from './failure-class.ts'
export { migrate } from './migrate.ts'
export { type Outcome } from './outcome.ts'
export { PERSISTENCE_ERRORS, PersistenceError, type PersistenceErrorCode } from './persistence-error.ts'
export { type PurchaseRow, PurchaseWriter } from './purchase-writer.ts'
export { createSession, type Session, type SessionOptions } from './session.ts'
export type {
  ConnectionState, Delivery, Statement, StatementCallback, StatementFault, StatementPort, StatementRows,
  StatementValue,
} from './statement-port.ts'
export { nodeTimers, type Timer, type Timers } from './timers.ts'
