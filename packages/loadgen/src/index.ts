export {
  COMPARE_BOUNDS,
  type CompareOptions,
  compareRuns,
  type NamedRun,
} from './compare/compare-runs.ts'
export {
  type Comparison,
  COMPARISON_SCHEMA,
  type ComparisonVerdict,
  type ComparisonWarning,
  type LimitResult,
  type MetricComparison,
} from './compare/comparison.ts'
export { comparisonMarkdown } from './compare/comparison-markdown.ts'
export { comparisonText } from './compare/comparison-text.ts'
export type { Interval } from './compare/location-shift.ts'
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
export { reportText, runText, verificationText } from './report/text-report.ts'
export { hdrLog } from './report/hdr-log.ts'
export { htmlReport } from './report/html/html-report.ts'
export { markdownReport } from './report/markdown-report.ts'
export { readReport } from './report/read-report.ts'
export { reportJson, RUN_REPORT_SCHEMA, type RunReport, runReport } from './report/run-report.ts'
export type { Verdict, VerdictWord } from './report/verdict.ts'
export type { ArrivalKind, ArrivalPlan } from './arrivals/arrival-plan.ts'
export type { RepeatedRequestOptions, ScenarioChoice } from './coordinator/make-plan.ts'
export type { AnswerHeaders } from './engine/exchange.ts'
export { findMax, type FindMaxOptions, type FindMaxResult } from './find-max/find-max.ts'
export type { ClosedStep } from './find-max/knee.ts'
export type { WorkerAddress } from './machines/worker-address.ts'
export { type ListeningWorker, startWorker, type WorkerOptions } from './machines/worker-server.ts'
export { type LoadRun, type RunControl, runLoad } from './run-load.ts'
export type { RunProgress } from './run-progress.ts'
export {
  type ArrivalResult,
  type GeneratorResult,
  type GeneratorThread,
  type InvalidCode,
  type InvalidReason,
  type LatencyResult,
  type LatencySummary,
  type OptionValue,
  type OutcomeCount,
  RUN_RESULT_VERSION,
  type RunEnd,
  type RunEnvironment,
  type RunResult,
  type SeriesPoint,
  type SeriesStep,
  type StepResult,
  type ThresholdResult,
  type TimeSeries,
} from './run-result.ts'
export { runCheckoutOnly, runRefusals, runSellOut, type SaleRunResult } from './run-sale.ts'
export type { SaleStatus } from './sale-status.ts'
export type { CallSubject } from './sale/call-recorder.ts'
export {
  defineScenario,
  type Scenario,
  SCENARIO_KIND,
  type ScenarioContext,
  type ScenarioDefinition,
} from './scenario/define-scenario.ts'
export type { ScenarioTarget } from './scenario/scenario-target.ts'
export type { Answer, UserRequest, VirtualUser } from './scenario/virtual-user.ts'
export type { SeededRandom } from './seeded-random.ts'
export { judgeThreshold, parseThreshold, type Threshold } from './verdict/threshold.ts'
