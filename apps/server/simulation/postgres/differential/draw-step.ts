import type { Random } from '../../world/random.ts'

/** What one session does next. */
export interface Step {
  readonly session: number
  readonly kind: 'begin' | 'commit' | 'rollback' | 'checkouts' | 'purchases' | 'cancels' | 'ensure' | 'take' | 'holder' | 'release'
  /** Of `ensure`: epoch, sale, items, limit. Of `take`: holder. Of the batches: epoch and rows. */
  readonly values: readonly unknown[]
}

/** Which session is inside a transaction, how many statements it has made there, and who waits. */
export interface Situation {
  readonly sessions: number
  readonly inTransaction: number | undefined
  readonly madeInTransaction: number
  readonly waiting: number | undefined
  readonly epoch: number
}

export interface BatchRow {
  readonly saleId: number
  readonly code: string
  readonly itemId: number
  readonly userId: string
}

/** Two sales that exist; a third is asked for now and then. */
export const SALES: readonly number[] = [1_700_006_400, 1_700_010_000]
const NO_SALE = 1_700_013_600
const CODES = Array.from({ length: 7 }, (_none, index) => `6b49d200-0000-8${index}00-8000-00000000000${index}`)
const USERS = ['1', '-9223372036854775808', '9223372036854775807']

/** Draws what may happen now: the one in a transaction ends it after one statement, nobody joins a wait. */
export function drawStep(random: Random, { sessions, inTransaction, madeInTransaction, waiting, epoch }: Situation): Step {
  const isEnding = inTransaction !== undefined && (waiting !== undefined || random.chance(0.3))
  if (isEnding && (madeInTransaction > 0 || waiting !== undefined)) {
    return { session: inTransaction, kind: random.chance(0.7) ? 'commit' : 'rollback', values: [] }
  }
  const free = Array.from({ length: sessions }, (_none, index) => index)
    .filter((session) => session !== waiting && (session !== inTransaction || madeInTransaction === 0))
  const session = random.pick(free)
  if (inTransaction === undefined && random.chance(0.3)) return { session, kind: 'begin', values: [] }
  return drawStatement(random, session, epoch)
}

function drawStatement(random: Random, session: number, epoch: number): Step {
  const chosen = random.integer(0, 19)
  const asked = random.chance(0.1) ? epoch - 1 : epoch
  if (chosen === 0) return { session, kind: 'holder', values: [] }
  if (chosen === 1) return { session, kind: 'take', values: ['somebody'] }
  if (chosen === 2) return { session, kind: 'ensure', values: [asked, random.pick(SALES), random.integer(1, 9), 3] }
  if (chosen === 3) return { session, kind: 'release', values: [asked] }
  const kind = random.pick(['checkouts', 'checkouts', 'purchases', 'purchases', 'purchases', 'cancels'] as const)
  const rows = Array.from({ length: random.integer(1, 3) }, () => drawRow(random))
  return { session, kind, values: [asked, rows, random.chance(0.5)] }
}

function drawRow(random: Random): BatchRow {
  return {
    saleId: random.chance(0.03) ? NO_SALE : random.pick(SALES),
    code: random.pick(CODES),
    itemId: random.chance(0.03) ? -1 : random.integer(0, random.chance(0.1) ? 5 : 3),
    userId: random.pick(USERS),
  }
}
