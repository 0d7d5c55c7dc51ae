import type { Verification } from '../invariants/verify-ledger.ts'
import type { RunResult } from '../run-result.ts'
import { type Verdict, verdictOf } from './verdict.ts'

/** Version of the report as JSON: it changes when a field changes its meaning or goes away. */
export const RUN_REPORT_SCHEMA = 'megacache-loadgen/3' as const

/**
 * What a command amounted to: the plain data that every report is made from. As JSON it is valid
 * against `report.schema.json` of this package.
 */
export interface RunReport {
  readonly schema: typeof RUN_REPORT_SCHEMA
  /** First, so that it is the first thing that a reader of the file sees. */
  readonly verdict: Verdict
  /** Null for `verify`, which makes no load. */
  readonly run: RunResult | null
  /** Null when nothing was checked, or the ledger could not be read. */
  readonly verification: Verification | null
  readonly exitStatus: number
}

/** Joins the parts of a report. */
export function runReport(parts: {
  readonly run: RunResult | undefined
  readonly verification: Verification | undefined
  /** What the program is going to exit with. */
  readonly exitStatus: number
}): RunReport {
  const { run = null, verification = null, exitStatus } = parts
  const verdict = verdictOf({ run, verification, exitStatus })
  return { schema: RUN_REPORT_SCHEMA, verdict, run, verification, exitStatus }
}

/** The report as JSON text. */
export function reportJson(report: RunReport): string {
  return `${JSON.stringify(report, undefined, 2)}\n`
}
