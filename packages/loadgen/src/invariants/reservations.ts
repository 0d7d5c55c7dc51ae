import type { RecordedCall } from '../history/call-history.ts'
import type { CheckoutRow } from '../ledger/ledger.ts'
import { describeCall } from './answers.ts'
import { describeRow } from './acknowledged-rows.ts'
import type { Evidence } from './verify-ledger.ts'

/**
 * An acknowledged reservation and its life on the database's clock, shortened at the end by the
 * tolerance.
 */
interface Life {
  readonly row: CheckoutRow
  readonly fromMs: number
  /** Infinity when it was purchased. */
  readonly untilMs: number
}

/** Reservations over time: exclusive, within the limit, honoured until they end and not after. */
export function checkReservations(evidence: Evidence): void {
  const lives = acknowledgedLives(evidence)
  checkExclusive(evidence, lives)
  checkLimit(evidence, lives)
  checkHonoured(evidence)
}

function acknowledgedLives({ history, ledger, options }: Evidence): Life[] {
  const given = new Set<string>()
  const bought = new Set(ledger.purchases.map((row) => row.code.toLowerCase()))
  for (const call of history.calls) {
    if (call.outcome !== 'acknowledged') continue
    if (call.step === 'checkout') given.add(call.code.toLowerCase())
    else bought.add(call.code.toLowerCase())
  }
  const lives: Life[] = []
  for (const row of ledger.checkouts) {
    const code = row.code.toLowerCase()
    if (!given.has(code)) continue
    const endMs =
      Math.min(row.expiresAtMs, row.cancelledAtMs ?? Infinity) - options.clockToleranceMs
    lives.push({ row, fromMs: row.createdAtMs, untilMs: bought.has(code) ? Infinity : endMs })
  }
  return lives.toSorted((a, b) => a.fromMs - b.fromMs)
}

/** Two lives of one item never overlap. A purchase ends never, so nothing may follow it. */
function checkExclusive({ found }: Evidence, lives: readonly Life[]): void {
  const lastOfItem = new Map<string, Life>()
  for (const life of lives) {
    const item = `${life.row.saleId}:${life.row.itemId}`
    const earlier = lastOfItem.get(item)
    if (
      earlier !== undefined &&
      earlier.row.code !== life.row.code &&
      life.fromMs < earlier.untilMs
    ) {
      found.add(
        'reservations_overlap',
        `${describeRow('checkout', earlier.row)}; and ${describeRow('checkout', life.row)}`,
      )
    }
    if (earlier === undefined || life.untilMs > earlier.untilMs) lastOfItem.set(item, life)
  }
}

/** A user's lives that overlap at any instant are never more than the limit. */
function checkLimit({ ledger, found }: Evidence, lives: readonly Life[]): void {
  const limits = new Map(ledger.sales.map((sale) => [sale.saleId, sale.userLimit]))
  const livingOfUser = new Map<string, Life[]>()
  for (const life of lives) {
    const limit = limits.get(life.row.saleId)
    if (limit === undefined) continue
    const user = `${life.row.saleId}:${life.row.userId}`
    const living = (livingOfUser.get(user) ?? []).filter((other) => other.untilMs > life.fromMs)
    living.push(life)
    livingOfUser.set(user, living)
    if (living.length > limit) {
      found.add(
        'reservations_above_limit',
        `${living.length} reservations and purchases at one instant, limit ${limit}; the last: ` +
          describeRow('checkout', life.row),
      )
    }
  }
}

/**
 * A purchase is not refused as expired or unknown while its reservation lives, nor acknowledged
 * when it is over.
 */
function checkHonoured({ history, ledger, options, found }: Evidence): void {
  const rows = new Map(ledger.checkouts.map((row) => [row.code.toLowerCase(), row]))
  const toleranceMs = options.clockToleranceMs
  const doubtful = new Set<string>()
  const bought = new Set(ledger.purchases.map((row) => row.code.toLowerCase()))
  for (const call of history.calls) {
    if (call.step === 'purchase' && call.outcome === 'unknown') doubtful.add(call.code)
  }
  for (const call of history.calls) {
    const row = rows.get(call.code.toLowerCase())
    if (call.step !== 'purchase' || row === undefined) continue
    const expired = new Date(row.expiresAtMs).toISOString()
    const isUntouched = row.cancelledAtMs === undefined && !bought.has(row.code.toLowerCase())
    if (isWrongRefusal(call) && isUntouched) {
      const answeredAtMs = call.answeredAtMs + ledger.clockOffsetMs
      if (answeredAtMs < row.expiresAtMs - toleranceMs) {
        found.add('reservation_not_honoured', `${describeCall(call)}; it lives until ${expired}`)
      }
    }
    if (call.outcome === 'acknowledged' && !doubtful.has(call.code)) {
      const sentAtMs = call.sentAtMs + ledger.clockOffsetMs
      if (sentAtMs > row.expiresAtMs + toleranceMs) {
        const sent = new Date(call.sentAtMs).toISOString()
        found.add(
          'bought_after_expiry',
          `${describeCall(call)}; sent ${sent}, it ended ${expired}`,
        )
      }
    }
  }
}

function isWrongRefusal(call: RecordedCall): boolean {
  const isEnd = call.reason === 'reservation_expired' || call.reason === 'unknown_code'
  return call.outcome === 'refused' && isEnd
}
