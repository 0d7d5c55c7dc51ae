import { type History, postgresLedger, type SaleRunResult, salesOf, type Verification, verifyLedger, type VerifyOptions, violationLines } from '@megacache/loadgen'
import { expect } from 'vitest'
import { contradictions, type TestDatabase } from './test-database.ts'

/** Every acknowledged answer against every row, and the rows against each other. Fails with the first evidence. */
export async function expectTrueLedger(
  database: TestDatabase, history: History, options: VerifyOptions = { expectSoldOut: true },
): Promise<Verification> {
  const verification = verifyLedger(history, await postgresLedger(database.url).read(salesOf(history)), options)
  const evidence = verification.violations.flatMap((one) => violationLines(one))
  expect(evidence, evidence.slice(0, 20).join('\n')).toEqual([])
  expect(verification.ok).toBe(true)
  expect(await contradictions(database)).toEqual([])
  return verification
}

/** How often a run got an answer of this status, by step and reason; status 0 is no answer. */
export function answersOf(result: SaleRunResult, status: number): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { step, outcomes } of result.steps) {
    for (const outcome of outcomes) {
      if (outcome.status === status && outcome.count > 0) counts[`${step} ${outcome.reason}`] = outcome.count
    }
  }
  return counts
}
