import { Megacache, type SaleHandle } from 'megacache'
import type { SimulatedPostgres } from '../postgres/simulated-postgres.ts'
import type { CheckoutRow } from '../postgres/tables.ts'
import type { SimulatedProcess } from '../runtime/simulated-process.ts'
import { TOLERANCE_MS } from './history.ts'

/**
 * Holds what an instance remembers against the committed rows, at any moment: what it has sold and reserved is there, with the same end, and
 * what is there it has not given away. Nothing is said of an instance that was replaced, is leaving, or has not begun.
 */
export function checkMemory(process: SimulatedProcess, postgres: SimulatedPostgres): string[] {
  const { reader, snapshot } = postgres.observe()
  const isJudged = !process.isDead && process.handles.size > 0 && !process.hasLetGo && postgres.lease.read(reader, snapshot).epoch === process.epoch
  if (!isJudged) return []
  const check = new MemoryCheck(process, postgres)
  for (const [saleId, handle] of process.handles) check.sale(saleId, handle as SaleHandle)
  check.givenUp()
  return check.wrong
}

class MemoryCheck {
  readonly wrong: string[] = []
  readonly #process: SimulatedProcess
  readonly #postgres: SimulatedPostgres
  /** Reservations that are good for some time yet, by sale; a database whose clock was set tells no time. */
  readonly #good: ReadonlyMap<number, CheckoutRow[]>

  constructor(process: SimulatedProcess, postgres: SimulatedPostgres) {
    this.#process = process
    this.#postgres = postgres
    const good = postgres.machine.stepCount > 0 ? [] : postgres.checkouts.committed().filter((row) => this.#isGood(row))
    this.#good = Map.groupBy(good, ({ saleId }) => saleId)
  }

  sale(saleId: number, handle: SaleHandle): void {
    const { machine } = this.#process
    const sale = Megacache.attach(handle, { clock: { monotonicMs: () => machine.bootMs(), wallMs: () => machine.wallMs() } })
    const { purchases, reservations } = sale.snapshot()
    for (const { itemId, code } of purchases) {
      const row = this.#postgres.purchases.get(`${saleId} ${itemId}`)
      if (row?.writer.state !== 'committed' || row.code !== code) this.#say('G1', saleId, itemId, `sold to ${code}, which has not bought it`)
    }
    const held = new Map(reservations.map((one) => [one.itemId, one]))
    for (const one of reservations) this.#reservation(saleId, one, sale)
    for (const { itemId, code } of this.#good.get(saleId) ?? []) {
      const holder = held.get(itemId)?.code
      if (holder !== undefined && holder !== code) this.#say('G4', saleId, itemId, `reserved for ${holder}, though ${code} is good`)
      else if (sale.item(itemId).state === 'available') this.#say('G4', saleId, itemId, `free, though ${code} is good`)
    }
    for (const { saleId: of, itemId } of this.#postgres.purchases.committed()) {
      if (of === saleId && sale.item(itemId).state === 'available') this.#say('G2', saleId, itemId, 'free, though it is bought')
    }
  }

  /** G7: a sale is not given up while a code of it is good. */
  givenUp(): void {
    for (const [saleId, [row]] of this.#good) {
      if (!this.#process.handles.has(saleId)) this.#say('G7', saleId, row!.itemId, `not in memory, though ${row!.code} is good`)
    }
  }

  #reservation(saleId: number, one: { code: string, itemId: number, remainingMs: number }, sale: Megacache): void {
    const { code, itemId, remainingMs } = one
    if (remainingMs <= TOLERANCE_MS) return
    const row = this.#postgres.checkouts.get(`${saleId} ${code}`)
    if (row?.writer.state !== 'committed') return this.#say('G1', saleId, itemId, `reserved for ${code}, which is not in the database`)
    const found = sale.reservation(code)
    if (row.cancelled?.writer.state === 'committed' && found.ok && found.state !== 'cancelling') {
      this.#say('G9', saleId, itemId, `${found.state} for ${code}, which is cancelled`)
    }
    const offMs = remainingMs - this.#leftMs(row)
    if (Math.abs(offMs) > TOLERANCE_MS && this.#postgres.machine.stepCount === 0) {
      this.#say('G6', saleId, itemId, `reserved for ${code} ${offMs.toFixed(0)} ms longer than its row says`)
    }
  }

  #isGood(row: CheckoutRow): boolean {
    if (row.cancelled !== undefined || this.#leftMs(row) <= TOLERANCE_MS) return false
    return this.#postgres.purchases.get(`${row.saleId} ${row.itemId}`)?.writer.state !== 'committed'
  }

  #leftMs({ expiresAtMs }: CheckoutRow): number {
    return expiresAtMs - this.#postgres.machine.wallMs()
  }

  #say(guarantee: string, saleId: number, itemId: number, what: string): void {
    this.wrong.push(`${guarantee}: ${this.#process.name} has item ${itemId} of sale ${saleId} ${what}`)
  }
}
