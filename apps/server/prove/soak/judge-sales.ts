import {
  type History, type Ledger, postgresLedger, type RecordedCall, type RunRecord, type SaleRow, salesOf, type Verification, verifyLedger, violationLines,
} from '@megacache/loadgen'
import { contradictions, type TestDatabase } from '../../test/harness/test-database.ts'
import { BOUNDARY_MS_MAX, TERMS } from './soak-world.ts'

/** From the begin of a fault until everything has healed, in Unix milliseconds. */
export interface FaultSpan {
  readonly name: string
  readonly fromMs: number
  readonly untilMs: number
}

export interface JudgedSales {
  readonly operations: number
  readonly sales: number
  /** In which nothing went wrong from begin to end. */
  readonly quietSales: number
  readonly soldOut: number
}

/** A sale is quiet when everything had healed so long before it. */
export const MARGIN_MS = 1_000
/** Longer than any server of these was paused, and than a busy one lets a request wait. */
const UNANSWERED_MS_MAX = 6_000
/** With demand, the longest time from the end of an item's reservation to its next one on a busy machine. */
const FREE_MS_MAX = 300
/** A machine that stood still for longer asked for nothing meanwhile. */
const PAUSE_MS_MAX = 100
/** So many calls an item, of which most try what is left, are more than enough to sell everything. */
const DEMAND_PER_ITEM = 12

/**
 * Holds every answer of a trial against every row and against the promises: the whole history at once, which sees what crosses
 * from one sale to another; and each quiet sale by itself, since a checkout in doubt anywhere excuses later refusals of its item.
 * Throws with the first evidence.
 */
export async function judgeSales(
  { database, history, faults, untilMs }: { database: TestDatabase; history: History; faults: readonly FaultSpan[]; untilMs: number },
): Promise<JudgedSales> {
  const [run] = history.runs
  if (run === undefined) throw new Error('a history without a run')
  const ledger = await postgresLedger(database.url).read(salesOf(history))
  expectTrue(verifyLedger(history, ledger), 'all sales')
  const wrong = await contradictions(database)
  if (wrong.length > 0) throw new Error(`the rows contradict each other: ${JSON.stringify(wrong)}`)

  const bySale = callsBySale(history.calls)
  let quietSales = 0
  let soldOut = 0
  for (const sale of ledger.sales) {
    const calls = bySale.get(sale.saleId) ?? []
    const sold = ledger.purchases.filter(({ saleId }) => saleId === sale.saleId).length
    const isToldSoldOut = calls.some(({ reason }) => reason === 'sold_out')
    const isQuiet = isQuietSale(sale.saleId, faults, untilMs)
    if (isQuiet) {
      quietSales++
      const checkouts = ledger.checkouts.filter(({ saleId }) => saleId === sale.saleId)
      const purchases = ledger.purchases.filter(({ saleId }) => saleId === sale.saleId)
      const own: RunRecord = { ...run, saleId: sale.saleId, startedAtMs: Math.max(run.startedAtMs, sale.saleId * 1000) }
      expectTrue(verifyLedger({ runs: [own], calls }, { ...ledger, sales: [sale], checkouts, purchases }), `quiet sale ${sale.saleId}`)
    }
    if (sold === sale.itemCount) soldOut++
    else if (isToldSoldOut) throw new Error(`sale ${sale.saleId} sold ${sold} of ${sale.itemCount} items, and said that it was sold out`)
    else if (isQuiet && calls.length >= DEMAND_PER_ITEM * TERMS.items) expectTakenAtItsEnd(sale, ledger, calls)
  }
  return { operations: history.calls.length, sales: ledger.sales.length, quietSales, soldOut }
}

/** G15. The last buyers of an item may let it expire one after the other: it is then reserved, or has just been, when its sale ends. */
function expectTakenAtItsEnd(
  { saleId, itemCount }: SaleRow, { checkouts, purchases, clockOffsetMs }: Ledger, calls: readonly RecordedCall[],
): void {
  const endsAtMs = saleId * 1000 + TERMS.periodMs
  if (longestPauseMs(calls, endsAtMs) > PAUSE_MS_MAX) return
  const taken = new Set(purchases.filter((row) => row.saleId === saleId).map(({ itemId }) => itemId))
  for (const row of checkouts) {
    const untilMs = (row.cancelledAtMs ?? row.expiresAtMs) - clockOffsetMs
    if (row.saleId === saleId && untilMs >= endsAtMs - FREE_MS_MAX) taken.add(row.itemId)
  }
  const free = Array.from({ length: itemCount }, (_, itemId) => itemId).filter((itemId) => !taken.has(itemId))
  if (free.length > 0) throw new Error(`sale ${saleId} had demand and ended with items that nobody had: ${free.join(', ')}`)
}

/** The longest time without a request in the last second before the end. */
function longestPauseMs(calls: readonly RecordedCall[], endsAtMs: number): number {
  const fromMs = endsAtMs - 1_000
  const sent = calls.map(({ sentAtMs }) => sentAtMs).filter((ms) => ms > fromMs && ms < endsAtMs).toSorted((a, b) => a - b)
  const moments = [fromMs, ...sent, endsAtMs]
  return Math.max(...moments.slice(1).map((ms, index) => ms - moments[index]!))
}

function expectTrue({ ok, violations, countByKind, checked }: Verification, what: string): void {
  // A verdict about nothing is worth nothing.
  if (checked.acknowledgedPurchases === 0) throw new Error(`nothing was bought in ${what}`)
  if (ok) return
  throw new Error(`${what}: ${JSON.stringify(countByKind)}\n${violations.slice(0, 5).flatMap(violationLines).join('\n')}`)
}

/**
 * By code. Without one, by time: a refusal that crosses the end of a sale belongs to neither, and a call in doubt to all of which it
 * may have reserved something.
 */
function callsBySale(calls: readonly RecordedCall[]): Map<number, RecordedCall[]> {
  const bySale = new Map<number, RecordedCall[]>()
  for (const call of calls) {
    const nearMs = call.outcome === 'refused' ? BOUNDARY_MS_MAX : 0
    const [first, last] = call.saleId === 0 ? [saleAt(call.sentAtMs - nearMs), saleAt(latestEffectMs(call) + nearMs)] : [call.saleId, call.saleId]
    if (call.outcome === 'refused' && first !== last) continue
    for (let saleId = first; saleId <= last; saleId += TERMS.periodMs / 1000) {
      const list = bySale.get(saleId)
      if (list === undefined) bySale.set(saleId, [call])
      else list.push(call)
    }
  }
  return bySale
}

function saleAt(unixMs: number): number {
  return Math.floor(unixMs / TERMS.periodMs) * (TERMS.periodMs / 1000)
}

/** A request whose client has given up may still be waiting in a server that is paused, or slow. */
function latestEffectMs({ status, answeredAtMs }: RecordedCall): number {
  return status === 0 ? answeredAtMs + UNANSWERED_MS_MAX : answeredAtMs
}

function isQuietSale(saleId: number, faults: readonly FaultSpan[], untilMs: number): boolean {
  const [startsAtMs, endsAtMs] = [saleId * 1000, saleId * 1000 + TERMS.periodMs]
  return endsAtMs <= untilMs && faults.every((fault) => fault.untilMs + MARGIN_MS <= startsAtMs || fault.fromMs > endsAtMs + TERMS.reservationTtlMs)
}
