import { recordCancels, recordCheckouts, recordPurchases } from './batch-procedures.ts'
import { LEASE_STATEMENTS } from './lease-statements.ts'
import type { Procedure, StatementTable } from './query-result.ts'
import { SALE_STATEMENTS } from './sale-statements.ts'
import { SESSION_STATEMENTS } from './session-statements.ts'

const BATCH_STATEMENTS: StatementTable = {
  'select megacache_record_checkouts(': recordCheckouts,
  'select megacache_record_purchases(': recordPurchases,
  'select megacache_record_cancels(': recordCancels,
}

const STATEMENTS = Object.entries({ ...BATCH_STATEMENTS, ...LEASE_STATEMENTS, ...SALE_STATEMENTS, ...SESSION_STATEMENTS })
  // The longest beginning that fits is the one that is meant.
  .toSorted(([a], [b]) => b.length - a.length)
const known = new Map<string, Procedure>()

/** What a statement does. Throws when the model does not know it: then it has to learn it. */
export function procedureFor(text: string): Procedure {
  let procedure = known.get(text)
  if (procedure === undefined) {
    const flat = text.replaceAll(/\s+/g, ' ').trim()
    procedure = STATEMENTS.find(([beginning]) => flat.startsWith(beginning))?.[1]
    if (procedure === undefined) throw new Error(`the simulated PostgreSQL does not know the statement: ${flat}`)
    known.set(text, procedure)
  }
  return procedure
}
