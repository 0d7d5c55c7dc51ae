import type { Verification } from '../invariants/verify-ledger.ts'
import type { RunResult } from '../run-result.ts'

/** Version of the JSON report: it changes when a field changes its meaning or goes away. */
export const REPORT_SCHEMA = 'megacache-loadgen/1'

/** What a command amounted to, as JSON with a stable schema. Durations in milliseconds. */
export interface JsonReport {
  readonly schema: typeof REPORT_SCHEMA
  /** The run without its calls; null for `verify`. */
  readonly run: RunResult | null
  /** Null when the ledger could not be read. */
  readonly verification: Verification | null
  readonly exitStatus: number
}

/** Builds the report; the calls are left out, since they have a file of their own. */
export function jsonReport(
  result: RunResult | undefined,
  verification: Verification | undefined,
  exitStatus: number,
): JsonReport {
  if (result === undefined) {
    return { schema: REPORT_SCHEMA, run: null, verification: verification ?? null, exitStatus }
  }
  return { schema: REPORT_SCHEMA, run: result, verification: verification ?? null, exitStatus }
}
