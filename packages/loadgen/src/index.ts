export { EXIT_STATUS } from './cli/exit-status.ts'
export {
  CallHistory,
  type CallStep,
  type History,
  type HistorySink,
  mergeHistories,
  type RecordedCall,
  type RunRecord,
} from './history/call-history.ts'
export { HistoryFile, readHistoryFile } from './history/history-file.ts'
export { type CheckerOptions, HistoryChecker } from './invariants/history-checker.ts'
export {
  type CheckedCounts,
  salesOf,
  type Verification,
  checkHistory,
  verifyAnswers,
  verifyLedger,
  type VerifyOptions,
} from './invariants/verify-ledger.ts'
export { type VerifyFilesOptions, verifyHistoryFiles } from './invariants/verify-files.ts'
export {
  type EvidenceRow,
  type Violation,
  VIOLATION_KINDS,
  type ViolationKind,
} from './invariants/violation.ts'
export { violationLines } from './invariants/violation-text.ts'
export type {
  CheckoutRow,
  Ledger,
  LedgerPages,
  LedgerSource, PurchaseRow, SaleRow } from './ledger/ledger.ts'
export { postgresLedger } from './ledger/postgres-ledger.ts'
export type { LoadClock } from './load-clock.ts'
export {
  type BoundedOption,
  type LoadOptions,
  OPTION_BOUNDS,
  type OptionBounds,
} from './load-options.ts'
export { LoadgenError, type LoadgenErrorCode } from './loadgen-error.ts'
export { type JsonReport, jsonReport, REPORT_SCHEMA } from './report/json-report.ts'
export { progressText, runText, verificationText } from './report/text-report.ts'
export {
  runCheckoutOnly,
  type RunControl,
  runRefusals,
  type RunResult,
  runSellOut,
  type ScenarioName,
} from './run.ts'
export type { RunEnd, RunMeasurement, RunProgress, StepResult } from './runner/measurement.ts'
export type { ScenarioProgress } from './scenario/scenario.ts'
export type { LatencySummary, OutcomeCount } from './run-result.ts'
