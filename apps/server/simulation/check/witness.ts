import { Megacache, type SaleHandle } from 'megacache'
import type { SimulatedPostgres } from '../postgres/simulated-postgres.ts'
import type { CheckoutRow, LeaseRow, PurchaseRow } from '../postgres/tables.ts'
import type { Transaction } from '../postgres/transaction.ts'
import type { SimulatedProcess } from '../runtime/simulated-process.ts'
import type { Timeline } from '../world/timeline.ts'
import { saleOf, TOLERANCE_MS } from './history.ts'

/** `staleAfterMs` of the lease: so long after a renewal nobody else can have taken over. */
const PROOF_MS = 5_000
/** A suspension is known to a hundredth of a second. */
const CLOCK_MS = 25

/** A request at the moment when it reached the server's code. */
export interface Receipt {
  readonly process: SimulatedProcess
  readonly method: string
  readonly url: string
  readonly atMs: number
  readonly wallMs: number
  /** How often the machine's clock had been set. */
  readonly steps: number
}

interface WitnessOptions {
  readonly timeline: Timeline
  /** All instances that run. */
  readonly living: () => readonly SimulatedProcess[]
  readonly postgres: SimulatedPostgres
  readonly onViolation: (what: string) => void
}

/**
 * Stands beside the servers and holds each answer, at the moment when it is given, against what only the world knows: the committed rows,
 * the renewals of the lease, the true time. What clients can know is judged later, by `check-history.ts` and `check-with-library.ts`.
 */
export class Witness {
  readonly #timeline: Timeline
  readonly #postgres: SimulatedPostgres
  readonly #onViolation: (what: string) => void
  readonly #living: () => readonly SimulatedProcess[]
  readonly #open = new Set<Receipt>()
  readonly #checkouts = new Map<string, CheckoutRow>()
  readonly #purchases = new Map<string, PurchaseRow>()
  readonly #renewals = new Map<number, { readonly writer: Transaction, readonly atMs: number }[]>()
  /** Codes whose purchase was answered 200. */
  readonly #told = new Set<string>()
  /** When a purchase with a code was first asked for. */
  readonly #firstTryMs = new Map<string, number>()

  constructor({ timeline, living, postgres, onViolation }: WitnessOptions) {
    this.#timeline = timeline
    this.#living = living
    this.#postgres = postgres
    this.#onViolation = onViolation
    postgres.checkouts.onInsert = (row) => this.#whenCommitted(row.writer, () => {
      this.#checkouts.set(row.code, row)
      this.#stillHas(row, row.writer, undefined)
    })
    postgres.purchases.onInsert = (row) => this.#whenCommitted(row.writer, () => {
      this.#purchases.set(row.code, row)
      this.#stillHas(row, row.writer, 'purchasing')
    })
    postgres.onCancel = (row) => this.#whenCommitted(row.cancelled!.writer, () => this.#stillHas(row, row.cancelled!.writer, 'cancelling'))
    postgres.lease.onWrite = (lease, writer) => this.#leaseWritten(lease, writer)
  }

  received(process: SimulatedProcess, method: string, url: string): Receipt {
    const receipt = { process, method, url, atMs: this.#timeline.nowMs, wallMs: this.#postgres.machine.wallMs(), steps: this.#postgres.machine.stepCount }
    this.#open.add(receipt)
    const code = url.slice(-36)
    if (url.startsWith('/purchase') && !this.#firstTryMs.has(code)) this.#firstTryMs.set(code, receipt.atMs)
    return receipt
  }

  /** The process has decided what to answer; it is the present moment that counts, not the client's. */
  answered(receipt: Receipt, status: number, body: string): void {
    this.#open.delete(receipt)
    const { process, method, url } = receipt
    // What a leaving instance passes on is its successor's word.
    if (process.epoch === 0 || process.isLeaving || process.isDead || status >= 500) return
    this.#isProven(receipt, status)
    const { reason, state, expiresAt } = parse(body)
    const code = method === 'POST' && url.startsWith('/checkout') ? undefined : url.slice(url.length - 36)
    if (code === undefined) {
      if (status === 200) this.#reserved(receipt, body)
    } else if (method === 'POST' && status === 200) this.#bought(receipt, code)
    else if (method === 'DELETE' && status === 204) this.#cancelled(receipt, code)
    else this.#told409(receipt, code, status === 404 ? 'unknown_code' : state ?? reason ?? '', expiresAt)
  }

  /** A process has said that it is over with its clients, or has ended of its own will: nobody may wait for it any more. */
  isOver(process: SimulatedProcess, what: string, sinceMs = Infinity): void {
    const left = [...this.#open].filter((one) => one.process === process && one.atMs < sinceMs)
    if (left.length === 0) return
    this.#onViolation(`G12: ${process.name} ${what} with ${left.length} requests unanswered, the first of them ${left[0]!.method} ${left[0]!.url}`)
  }

  /** Whoever is killed answers nobody. */
  died(process: SimulatedProcess): void {
    for (const one of this.#open) if (one.process === process) this.#open.delete(one)
  }

  /** A statement of a batch leaves a process. */
  batchSent(process: SimulatedProcess): void {
    if (process.hasLetGo) this.#onViolation(`G12: ${process.name} sends a batch after it has handed over`)
  }

  /** Whoever sent a row has kept its item for it until now, however long that took. */
  #stillHas({ saleId, itemId, code }: { saleId: number, itemId: number, code: string }, { epochSeen }: Transaction, state: string | undefined): void {
    for (const process of this.#living()) {
      const handle = process.handles.get(saleId)
      if (process.isDead || String(process.epoch) !== epochSeen || handle === undefined) continue
      const { machine } = process
      const sale = Megacache.attach(handle as SaleHandle, { clock: { monotonicMs: () => machine.bootMs(), wallMs: () => machine.wallMs() } })
      const found = sale.reservation(code)
      const isKept = state === undefined ? sale.item(itemId).state === 'reserved' : found.ok && found.state === state
      if (!isKept) this.#onViolation(`G4: ${process.name} has let go of item ${itemId} of sale ${saleId} before the outcome of ${code} (${state ?? 'reserving'})`)
    }
  }

  /** G10: nothing but 503 later than the last renewal of the lease allows. */
  #isProven(receipt: Receipt, status: number): void {
    const { process } = receipt
    const renewal = this.#renewals.get(process.epoch)?.findLast(({ writer }) => writer.state === 'committed')
    const lateMs = this.#timeline.nowMs - (renewal?.atMs ?? 0) - PROOF_MS
    if (lateMs > CLOCK_MS) this.#say('G10', receipt, `was answered ${status}, ${lateMs.toFixed(0)} ms after what the lease proves`)
  }

  #reserved(receipt: Receipt, code: string): void {
    const row = this.#row(code)
    if (row === undefined) return this.#say('G1', receipt, `was given ${code}, which is not in the database`)
    if (row.cancelled?.writer.state === 'committed') this.#say('G4', receipt, `was given ${code}, which is cancelled`)
    const { endsAtMs } = this.#postgres.sales.get(String(row.saleId)) ?? { endsAtMs: Infinity }
    const { steps, wallMs } = receipt
    // The database's clock has not been set while it waited, so it was later still when it was decided.
    if (wallMs >= endsAtMs + CLOCK_MS && steps === this.#postgres.machine.stepCount) {
      this.#say('G11', receipt, `was given ${code} ${(wallMs - endsAtMs).toFixed(0)} ms after the end of its sale`)
    }
  }

  #bought(receipt: Receipt, code: string): void {
    if (this.#purchase(code) === undefined) this.#say('G1', receipt, 'was told "purchased" without a row')
    if (this.#told.has(code)) this.#say('G5', receipt, 'is the second that is told "purchased"')
    this.#told.add(code)
    const row = this.#row(code)
    const lateMs = this.#firstTryMs.get(code)! - this.#trueMsOf(row?.expiresAtMs ?? 0)
    if (row !== undefined && lateMs > TOLERANCE_MS) this.#say('G6', receipt, `bought ${lateMs.toFixed(0)} ms after the end of its reservation`)
  }

  #cancelled(receipt: Receipt, code: string): void {
    if (this.#row(code)?.cancelled?.writer.state !== 'committed') this.#say('G9', receipt, 'was told 204 without a row')
  }

  /** Refusals and states: what was certain before the question must not be denied. */
  #told409(receipt: Receipt, code: string, word: string, expiresAt: string | undefined): void {
    const { process } = receipt
    const bought = this.#purchase(code)
    const isBought = bought !== undefined && bought.writer.committedAtMs < receipt.atMs
    if ((word === 'already_purchased' || word === 'purchased') && bought === undefined) this.#say('G1', receipt, `was told "${word}" without a row`)
    if (process.epoch < this.#epoch()) return
    const row = this.#row(code)
    const leftMs = row === undefined ? -Infinity : this.#trueMsOf(row.expiresAtMs) - this.#timeline.nowMs
    const cancelled = row?.cancelled?.writer
    const isGood = row !== undefined && row.writer.committedAtMs < receipt.atMs && cancelled === undefined && bought === undefined
    switch (word) {
      case 'already_purchased':
        // ADR 9: of all tries one hears 200, unless the process or the sale's memory is another one meanwhile.
        if (receipt.method === 'POST' && bought?.writer.epochSeen === String(process.epoch) && process.handles.has(saleOf(code)) &&
          !this.#told.has(code)) this.#say('G5', receipt, 'was told "already_purchased", and nobody was told "purchased"')
        return
      case 'reserved':
      case 'purchasing':
        if (isBought && word === 'reserved') this.#say('G1', receipt, `was told "${word}" of what is bought`)
        if (cancelled?.state === 'committed' && cancelled.committedAtMs < receipt.atMs) this.#say('G9', receipt, `was told "${word}" of what is cancelled`)
        if (word === 'reserved' && leftMs < -TOLERANCE_MS) this.#say('G6', receipt, `was told "${word}" ${(-leftMs).toFixed(0)} ms after the end`)
        break
      case 'reservation_expired':
      case 'expired':
      case 'unknown_code':
        if (isBought) this.#say('G1', receipt, `was told "${word}" of what is bought`)
        if (isGood && leftMs > TOLERANCE_MS) this.#say('G7', receipt, `was told "${word}" ${leftMs.toFixed(0)} ms before the end`)
    }
    if (expiresAt === undefined || row === undefined || this.#postgres.machine.stepCount > 0) return
    const offMs = Date.parse(expiresAt) - row.expiresAtMs
    if (Math.abs(offMs) > TOLERANCE_MS) this.#say('G6', receipt, `was told an end that is ${offMs.toFixed(0)} ms from the one in the database`)
  }

  #leaseWritten({ epoch, holder }: LeaseRow, writer: Transaction): void {
    const atMs = this.#timeline.nowMs
    if (holder !== null) this.#renewals.set(epoch, [...(this.#renewals.get(epoch) ?? []).slice(-4), { writer, atMs }])
  }

  /** The committed row of a code; a fail-over may have taken it back. */
  #row(code: string): CheckoutRow | undefined {
    const row = this.#checkouts.get(code)
    return row?.writer.state === 'committed' ? row : undefined
  }

  #purchase(code: string): PurchaseRow | undefined {
    const row = this.#purchases.get(code)
    return row?.writer.state === 'committed' ? row : undefined
  }

  #whenCommitted(writer: Transaction, then: () => void): void {
    writer.onEnd(() => { if (writer.state === 'committed') then() })
  }

  #epoch(): number {
    const { reader, snapshot } = this.#postgres.observe()
    return this.#postgres.lease.read(reader, snapshot).epoch
  }

  /** True time of an instant of the database's clock as it goes now. */
  #trueMsOf(databaseMs: number): number {
    return databaseMs - this.#postgres.machine.wallLeadMs
  }

  #say(guarantee: string, { process, method, url, atMs }: Receipt, what: string): void {
    this.#onViolation(`${guarantee}: ${method} ${url} to ${process.name} at ${atMs.toFixed(3)} ${what}`)
  }
}

function parse(body: string): { readonly reason?: string, readonly state?: string, readonly expiresAt?: string } {
  return body.startsWith('{') ? JSON.parse(body) as { reason?: string, state?: string, expiresAt?: string } : {}
}
