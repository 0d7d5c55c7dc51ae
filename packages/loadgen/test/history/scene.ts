import type { RecordedCall, RunRecord } from '../../src/history/call-history.ts'
import type { CheckoutRow, Ledger, PurchaseRow, SaleRow } from '../../src/ledger/ledger.ts'

export const SALE = 1_800_000_000
export const NEXT_SALE = SALE + 3_600
export const START_MS = SALE * 1_000
export const TTL_MS = 60_000
export const ITEMS = 12
export const LIMIT = 3

/** How long an answer takes, in milliseconds. */
const LATENCY_MS = 2

/** A history with its ledger that can be written down, and broken, call by call. */
export class Scene {
  readonly runs: RunRecord[]
  calls: RecordedCall[] = []
  sales: SaleRow[] = [SALE, NEXT_SALE].map((saleId) => ({
    saleId,
    itemCount: ITEMS,
    userLimit: LIMIT,
  }))
  checkouts: CheckoutRow[] = []
  purchases: PurchaseRow[] = []
  private codeCount = 0

  constructor() {
    this.runs = [
      {
        scenario: 'sell-out',
        url: 'http://127.0.0.1:1',
        saleId: SALE,
        items: ITEMS,
        userLimit: LIMIT,
        reservationTtlMs: TTL_MS,
        startedEmpty: true,
        firstUserId: '1',
        userCount: 9,
        seed: 1,
        startedAtMs: START_MS,
      },
    ]
  }

  get ledger(): Ledger {
    const { sales, checkouts, purchases } = this
    return { sales, checkouts, purchases, clockOffsetMs: 0 }
  }

  newCode(saleId = SALE): string {
    this.codeCount++
    return `${saleId.toString(16)}-0000-8000-8000-${this.codeCount.toString(16).padStart(12, '0')}`
  }

  /** An acknowledged checkout with its row; times are milliseconds from the start. */
  checkout(userId: number, itemId: number, atMs: number, saleId = SALE): string {
    const code = this.newCode(saleId)
    this.call({ step: 'checkout', saleId, itemId, userId: String(userId), code }, atMs)
    this.row(code, userId, itemId, atMs)
    return code
  }

  row(code: string, userId: number, itemId: number, atMs: number): void {
    const createdAtMs = START_MS + atMs + 1
    this.checkouts.push({
      code,
      saleId: Number.parseInt(code.slice(0, 8), 16),
      itemId,
      userId: String(userId),
      createdAtMs,
      expiresAtMs: createdAtMs + TTL_MS,
      cancelledAtMs: undefined,
    })
  }

  purchase(code: string, atMs: number): void {
    const { saleId, itemId, userId } = this.given(code)
    this.call({ step: 'purchase', saleId, itemId, userId, code }, atMs)
    this.purchases.push({ saleId, itemId, userId, code })
  }

  cancel(code: string, atMs: number): void {
    const { saleId, itemId, userId } = this.given(code)
    this.call({ step: 'cancel', saleId, itemId, userId, code, status: 204 }, atMs)
    const index = this.checkouts.findIndex((row) => row.code === code)
    const row = this.checkouts[index] as CheckoutRow
    this.checkouts[index] = { ...row, cancelledAtMs: START_MS + atMs + 1 }
  }

  read(code: string, state: string, atMs: number): void {
    const { saleId, itemId, userId } = this.given(code)
    this.call({ step: 'read', saleId, itemId, userId, code, state }, atMs)
  }

  refusedCheckout(userId: number, itemId: number, reason: string, atMs: number): void {
    const fields = { outcome: 'refused', status: 409, reason } as const
    this.call({ step: 'checkout', itemId, userId: String(userId), ...fields }, atMs)
  }

  refused(step: 'purchase' | 'cancel' | 'read', code: string, reason: string, atMs: number): void {
    const { saleId, itemId, userId } = this.given(code)
    const fields = { outcome: 'refused', status: 409, reason } as const
    this.call({ step, saleId, itemId, userId, code, ...fields }, atMs)
  }

  unknown(step: RecordedCall['step'], fields: Partial<RecordedCall>, atMs: number): void {
    this.call({ step, ...fields, outcome: 'unknown', status: 503 }, atMs)
  }

  call(fields: Partial<RecordedCall> & Pick<RecordedCall, 'step'>, atMs: number): void {
    const sentAtMs = START_MS + atMs
    this.calls.push({
      outcome: 'acknowledged',
      status: 200,
      reason: '',
      saleId: 0,
      itemId: 0,
      userId: '',
      code: '',
      sentAtMs,
      answeredAtMs: sentAtMs + LATENCY_MS,
      ...fields,
    })
  }

  /** Index of the call of this step, outcome or reason, and item; there must be one. */
  find(step: RecordedCall['step'], what: string, itemId: number): number {
    const index = this.calls.findIndex(
      (call) =>
        call.step === step &&
        call.itemId === itemId &&
        (call.outcome === what || call.reason === what || call.state === what),
    )
    if (index < 0) throw new Error(`no ${step} ${what} of item ${itemId}`)
    return index
  }

  /** Code of the nth reservation of an item. */
  codeOf(itemId: number, nth = 0): string {
    const rows = this.checkouts.filter((row) => row.itemId === itemId)
    return (rows[nth] as CheckoutRow).code
  }

  change(index: number, fields: Partial<RecordedCall>): void {
    this.calls[index] = { ...(this.calls[index] as RecordedCall), ...fields }
  }

  changeRow(code: string, fields: Partial<CheckoutRow>): void {
    this.checkouts = this.checkouts.map((row) => (row.code === code ? { ...row, ...fields } : row))
  }

  changePurchase(code: string, fields: Partial<PurchaseRow>): void {
    this.purchases = this.purchases.map((row) => (row.code === code ? { ...row, ...fields } : row))
  }

  private given(code: string): { saleId: number; itemId: number; userId: string } {
    const call = this.calls.find((one) => one.step === 'checkout' && one.code === code)
    const saleId = Number.parseInt(code.slice(0, 8), 16)
    return { saleId, itemId: call?.itemId ?? 0, userId: call?.userId ?? '1' }
  }
}

/**
 * A sale of 12 items, sold out, in which everything happened that may: expiry, cancel, doubt, retries,
 * each refusal, each state of a read, and the sale after it.
 *
 * Users 1 to 4 buy three items each. Items 0 to 7 are bought at once; 8 after a doubt; 9 after a
 * checkout in doubt has expired; 10 after a cancel; 11 after an expiry.
 */
export function soldOut(): Scene {
  const scene = new Scene()
  for (let itemId = 0; itemId < 8; itemId++) {
    const code = scene.checkout(1 + Math.floor(itemId / 3), itemId, itemId * 10)
    scene.purchase(code, itemId * 10 + 5)
  }
  const doubtful = scene.checkout(3, 8, 100)
  scene.unknown('purchase', scene.calls.at(-1) ?? {}, 110)
  scene.purchase(doubtful, 120)
  scene.refused('purchase', doubtful, 'already_purchased', 130)
  scene.read(doubtful, 'purchased', 140)

  scene.unknown('checkout', { itemId: 9, userId: '6' }, 200)
  scene.row(scene.newCode(), 6, 9, 200)
  scene.refusedCheckout(4, 9, 'item_reserved', 210)

  const cancelled = scene.checkout(5, 10, 300)
  scene.read(cancelled, 'reserved', 310)
  scene.refusedCheckout(4, 10, 'item_reserved', 320)
  scene.cancel(cancelled, 330)
  scene.refused('purchase', cancelled, 'unknown_code', 340)
  scene.read(cancelled, 'cancelled', 345)
  scene.purchase(scene.checkout(4, 10, 350), 360)

  const expired = scene.checkout(5, 11, 400)
  scene.refusedCheckout(4, 11, 'item_reserved', 30_000)
  scene.refusedCheckout(1, 11, 'user_limit_reached', 31_000)
  scene.refusedCheckout(6, 0, 'item_sold', 32_000)
  scene.refused('purchase', scene.newCode(), 'unknown_code', 33_000)
  scene.refused('read', scene.newCode(), 'not_found', 33_500)

  scene.purchase(scene.checkout(4, 9, 61_400), 61_410)
  scene.refused('purchase', expired, 'reservation_expired', 61_420)
  scene.read(expired, 'expired', 61_425)
  scene.purchase(scene.checkout(4, 11, 61_430), 61_440)
  scene.refusedCheckout(6, 3, 'sold_out', 61_450)

  scene.purchase(scene.checkout(1, 0, 3_600_100, NEXT_SALE), 3_600_110)
  return scene
}
