import {
  type CallStep, type History as ClientHistory, type Ledger, type RecordedCall, type RunRecord, type Violation, verifyLedger,
} from '@megacache/loadgen'
import type { SimulatedPostgres } from '../postgres/simulated-postgres.ts'
import { type Call, type History, isUnknown, saleOf, TOLERANCE_MS } from './history.ts'

interface Terms {
  readonly items: number
  readonly userLimit: number
  readonly ttlMs: number
  readonly users: readonly string[]
}

/**
 * Has the checker that load tests use judge what clients saw, with the committed rows as its ledger. Returns what it finds, in words that
 * begin with the kind of violation.
 */
export function checkWithLibrary(history: History, postgres: SimulatedPostgres, terms: Terms): string[] {
  const { violations } = verifyLedger(clientHistory(history, terms), ledger(postgres), {
    skewMs: 0, expiryToleranceMs: TOLERANCE_MS, clockToleranceMs: TOLERANCE_MS,
  })
  return violations.map(inWords)
}

function inWords({ kind, sentence, calls }: Violation): string {
  return `${kind}: ${sentence}; calls sent at ${calls.map(({ sentAtMs }) => sentAtMs.toFixed(3)).join(', ')}`
}

/** What the clients of a world know, in the library's words: its times are true times of the world. */
function clientHistory(history: History, { items, userLimit, ttlMs, users }: Terms): ClientHistory {
  // One for each user, since their ids lie at the ends of what is allowed. No client has asked for the sale.
  const runs = users.map((firstUserId): RunRecord => ({
    scenario: 'simulation', url: '', saleId: 0, items, userLimit, reservationTtlMs: ttlMs, startedEmpty: true,
    firstUserId, userCount: 1, seed: 0, startedAtMs: 0,
  }))
  const reserved = history.reservations()
  return { runs, calls: history.calls.filter(isSaidByCurrent).map((call) => recorded(call, reserved)) }
}

/**
 * What never left is no call. A refusal by an instance that was replaced and could not know it has changed nothing, and speaks of a
 * sale that others go on with; only that something is purchased must be true whoever says so.
 */
function isSaidByCurrent({ outcome, isOfReplaced, kind, reason }: Call): boolean {
  if (outcome === 'refused') return false
  if (!isOfReplaced || reason === 'already_purchased') return true
  return kind === 'read' ? outcome !== 200 && outcome !== 404 : outcome !== 409
}

function recorded(call: Call, reserved: ReadonlyMap<string, Call>): RecordedCall {
  const { kind, outcome, reason, code = '', sentAtMs, shown } = call
  const subject = kind === 'read' ? shown : reserved.get(code) ?? call
  return {
    step: kind satisfies CallStep,
    outcome: isUnknown(call) ? 'unknown' : outcome === 200 || outcome === 204 ? 'acknowledged' : 'refused',
    status: typeof outcome === 'number' ? outcome : 0,
    reason: reason ?? '',
    saleId: code === '' ? 0 : saleOf(code),
    itemId: subject?.itemId ?? -1,
    userId: subject?.userId ?? '',
    code,
    sentAtMs,
    answeredAtMs: outcome === 'open' ? sentAtMs : call.answeredAtMs,
    ...(kind === 'read' && reason !== undefined ? { state: reason } : {}),
  }
}

/** What is committed in the end. */
function ledger(postgres: SimulatedPostgres): Ledger {
  return {
    sales: postgres.sales.committed(),
    checkouts: postgres.checkouts.committed().map((row) => ({
      code: row.code, saleId: row.saleId, itemId: row.itemId, userId: row.userId,
      createdAtMs: row.createdAtMs, expiresAtMs: row.expiresAtMs, cancelledAtMs: row.cancelled?.atMs,
    })),
    purchases: postgres.purchases.committed(),
    clockOffsetMs: postgres.machine.wallMs() - postgres.timeline.nowMs,
  }
}
