import type { RecordedCall } from '../../src/history/call-history.ts'
import { SeededRandom } from '../../src/seeded-random.ts'
import { SALE, Scene, START_MS } from './scene.ts'

/** Opens while the first one's calls go on. */
const NEXT_SALE = SALE + 3

const ITEMS = 6
const LIMIT = 2
const USERS = 8
const LIFE_MS = 400
const SALE_MS = 3_000
/** Expired reservations are found late by up to this. */
const SWEEP_MS = 40

interface Slot {
  code: string
  user: number
  expiresMs: number
  /** A checkout, purchase or cancel whose outcome is open keeps the slot until it is settled. */
  busyWith: '' | 'checkout' | 'purchase' | 'cancel'
  isSold: boolean
}

/**
 * A correct sale of few items to few users, simulated moment by moment: each call acts once, somewhere
 * between its sending and its answer, or after a doubt; reservations expire, are cancelled, are bought;
 * answers get lost; two sales follow each other. What comes out is a valid history with its ledger.
 */
export class RandomSale {
  readonly scene = new Scene()
  private readonly random: SeededRandom
  private readonly pending: { atMs: number; act: () => void }[] = []
  private slots: Slot[] = []
  private readonly slotsOfSale = new Map<number, Slot[]>()
  private saleId = SALE
  private readonly codes: { code: string; user: number; item: number }[] = []
  private nowMs = 0

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
    const [run] = this.scene.runs
    if (run === undefined) throw new Error('no run')
    this.scene.runs[0] = { ...run, items: ITEMS, userLimit: LIMIT, reservationTtlMs: LIFE_MS }
    this.scene.sales = [SALE, NEXT_SALE].map((saleId) => ({
      saleId,
      itemCount: ITEMS,
      userLimit: LIMIT,
    }))
    this.open()
  }

  /** Makes a history of this many calls. */
  run(callCount: number): Scene {
    for (let i = 0; i < callCount; i++) {
      const sentMs = (i * 2 * SALE_MS) / callCount
      this.later(sentMs, () => this.send(sentMs))
    }
    this.later(SALE_MS, () => {
      this.saleId = NEXT_SALE
      this.open()
    })
    while (this.pending.length > 0) {
      const next = this.pending.shift()
      this.nowMs = next?.atMs ?? 0
      next?.act()
    }
    return this.scene
  }

  private open(): void {
    this.slots = Array.from({ length: ITEMS }, () => ({
      code: '',
      user: 0,
      expiresMs: -Infinity,
      busyWith: '',
      isSold: false,
    }))
    this.slotsOfSale.set(this.saleId, this.slots)
  }

  private send(sentMs: number): void {
    const kind = this.random.below(10)
    const known = this.codes[this.codes.length - 1 - this.random.below(12)]
    const actMs = sentMs + this.random.below(20)
    if (kind < 5 || known === undefined) {
      this.later(actMs, () => this.checkout(sentMs))
    } else if (kind < 8) this.later(actMs, () => this.purchase(sentMs, known))
    else if (kind < 9) this.later(actMs, () => this.cancel(sentMs, known))
    else this.later(actMs, () => this.read(sentMs, known))
  }

  private checkout(sentMs: number): void {
    const item = this.random.below(ITEMS)
    const user = 1 + this.random.below(USERS)
    const named = { step: 'checkout', itemId: item, userId: String(user) } as const
    const slot = this.slots[item] as Slot
    const owned = this.slots.filter((one) => one.user === user && this.isTaken(one)).length
    if (this.slots.every((one) => one.isSold)) return this.refuse(named, 'sold_out', sentMs)
    if (owned >= LIMIT) return this.refuse(named, 'user_limit_reached', sentMs)
    if (slot.isSold) return this.refuse(named, 'item_sold', sentMs)
    if (this.isTaken(slot)) return this.refuse(named, 'item_reserved', sentMs)
    const code = this.scene.newCode(this.saleId)
    Object.assign(slot, { code, user, expiresMs: this.nowMs + LIFE_MS, busyWith: 'checkout' })
    const { saleId } = this
    this.later(this.nowMs + this.random.below(10), () => {
      slot.busyWith = ''
      // A write can fail for certain, and a lost answer can have its row.
      if (this.random.below(12) === 0) {
        slot.expiresMs = -Infinity
        return this.lose(named, 503, sentMs)
      }
      this.scene.row(code, user, item, slot.expiresMs - LIFE_MS - 1)
      this.fixExpiry(code, slot.expiresMs)
      if (this.random.below(10) === 0) {
        return this.lose(named, 0, sentMs)
      }
      const answeredMs = this.answer({ ...named, code, saleId }, sentMs)
      this.later(answeredMs, () => {
        this.codes.push({ code, user, item })
      })
    })
  }

  private purchase(sentMs: number, known: { code: string; user: number; item: number }): void {
    const { code, user, item } = known
    const saleId = Number.parseInt(code.slice(0, 8), 16)
    const named = { step: 'purchase', itemId: item, userId: String(user), code, saleId } as const
    const slot = this.slotOf(code, item)
    if (slot !== undefined && slot.busyWith !== '') return this.lose(named, 503, sentMs)
    if (slot?.isSold === true) return this.refuse(named, 'already_purchased', sentMs)
    if (slot === undefined) return this.refuse(named, this.endedReason(code), sentMs)
    if (slot.expiresMs <= this.nowMs) return this.refuse(named, 'reservation_expired', sentMs)
    slot.busyWith = 'purchase'
    const isInDoubt = this.random.below(6) === 0
    if (isInDoubt) this.lose(named, 503, sentMs)
    this.later(this.nowMs + this.random.below(isInDoubt ? 600 : 15), () => {
      slot.busyWith = ''
      if (this.random.below(8) === 0) {
        if (!isInDoubt) this.lose(named, 503, sentMs)
        return
      }
      slot.isSold = true
      this.scene.purchases.push({ saleId, itemId: item, userId: String(user), code })
      if (!isInDoubt) this.answer(named, sentMs)
    })
  }

  private cancel(sentMs: number, known: { code: string; user: number; item: number }): void {
    const { code, user, item } = known
    const saleId = Number.parseInt(code.slice(0, 8), 16)
    const named = { step: 'cancel', itemId: item, userId: String(user), code, saleId } as const
    const slot = this.slotOf(code, item)
    if (slot !== undefined && slot.busyWith !== '') return this.refuse(named, 'reservation_busy', sentMs)
    if (slot?.isSold === true) return this.refuse(named, 'already_purchased', sentMs)
    if (slot === undefined) return this.refuse(named, this.endedReason(code), sentMs)
    if (slot.expiresMs <= this.nowMs) return this.refuse(named, 'reservation_expired', sentMs)
    slot.busyWith = 'cancel'
    this.later(this.nowMs + this.random.below(15), () => {
      slot.busyWith = ''
      slot.code = ''
      slot.expiresMs = -Infinity
      this.scene.changeRow(code, { cancelledAtMs: START_MS + this.nowMs })
      if (this.random.below(8) === 0) this.lose(named, 0, sentMs)
      else this.answer({ ...named, status: 204 }, sentMs)
    })
  }

  private read(sentMs: number, known: { code: string; user: number; item: number }): void {
    const { code, user, item } = known
    const saleId = Number.parseInt(code.slice(0, 8), 16)
    const named = { step: 'read', itemId: item, userId: String(user), code, saleId } as const
    this.answer({ ...named, state: this.stateOf(code, item) }, sentMs)
  }

  private stateOf(code: string, item: number): string {
    if (this.scene.purchases.some((row) => row.code === code)) return 'purchased'
    const slot = this.slotOf(code, item)
    if (slot?.busyWith === 'purchase') return 'purchasing'
    if (slot?.busyWith === 'cancel') return 'cancelling'
    if (slot !== undefined && slot.expiresMs > this.nowMs) return 'reserved'
    const row = this.scene.checkouts.find((one) => one.code === code)
    return row?.cancelledAtMs === undefined ? 'expired' : 'cancelled'
  }

  private endedReason(code: string): string {
    const isSold = this.scene.purchases.some((row) => row.code === code)
    return isSold ? 'already_purchased' : 'unknown_code'
  }

  /** The slot that a code holds, or held last, in its own sale. */
  private slotOf(code: string, item: number): Slot | undefined {
    const slot = this.slotsOfSale.get(Number.parseInt(code.slice(0, 8), 16))?.[item]
    return slot?.code === code ? slot : undefined
  }

  private isTaken(slot: Slot): boolean {
    return slot.busyWith !== '' || slot.isSold || slot.expiresMs + this.random.below(SWEEP_MS) > this.nowMs
  }

  /** The row's life is to the end that the slot has. */
  private fixExpiry(code: string, expiresMs: number): void {
    this.scene.changeRow(code, { expiresAtMs: START_MS + expiresMs })
  }

  private lose(
    fields: Partial<RecordedCall> & Pick<RecordedCall, 'step'>,
    status: number,
    sentMs: number,
  ): void {
    this.answer({ ...fields, outcome: 'unknown', status }, sentMs)
  }

  private refuse(
    fields: Partial<RecordedCall> & Pick<RecordedCall, 'step'>,
    reason: string,
    sentMs: number,
  ): void {
    this.answer({ ...fields, outcome: 'refused', status: 409, reason }, sentMs)
  }

  /** Writes the call down and returns when it was answered. */
  private answer(
    fields: Partial<RecordedCall> & Pick<RecordedCall, 'step'>,
    sentMs: number,
  ): number {
    const answeredMs = this.nowMs + this.random.below(10)
    this.scene.call({ ...fields, answeredAtMs: START_MS + answeredMs }, sentMs)
    return answeredMs
  }

  private later(atMs: number, act: () => void): void {
    let index = this.pending.length
    while (index > 0 && (this.pending[index - 1]?.atMs ?? 0) > atMs) index--
    this.pending.splice(index, 0, { atMs, act })
  }
}
