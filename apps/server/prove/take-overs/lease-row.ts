import type { TestDatabase } from '../../test/harness/test-database.ts'
import { historyMs } from './recorder.ts'

/** The lease as the database has it; times on the clock of histories. */
export interface LeaseRow {
  readonly epoch: number
  readonly acquiredAtMs: number
  /** On the database's own clock. */
  readonly database: { readonly acquiredMs: number; readonly renewedMs: number }
  /** Since the last renewal, at the time of asking. */
  readonly silentMs: number
}

interface Row {
  readonly epoch: number
  readonly acquired: number
  readonly renewed: number
  readonly now: number
}

export async function leaseOf(database: TestDatabase): Promise<LeaseRow> {
  const [row] = await database.query<Row>(`
    select epoch::int, extract(epoch from acquired_at)::float8 * 1000 as acquired, extract(epoch from renewed_at)::float8 * 1000 as renewed,
      extract(epoch from clock_timestamp())::float8 * 1000 as now from lease`)
  if (row === undefined) throw new Error('there is no lease')
  const { epoch, acquired, renewed, now } = row
  return {
    epoch, acquiredAtMs: acquired + historyMs() - now, silentMs: now - renewed,
    database: { acquiredMs: acquired, renewedMs: renewed },
  }
}
