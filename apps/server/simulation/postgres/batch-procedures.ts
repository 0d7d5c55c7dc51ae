import type { Backend } from './backend.ts'
import { checkViolation, SqlError, uniqueViolation } from './sql-error.ts'
import { type QueryResult, row } from './query-result.ts'
import type { CheckoutRow, PurchaseRow } from './tables.ts'
import { isVisible } from './transaction.ts'

const FENCE = 'fence'
const PURCHASES = 'purchases'
const DAY_SECONDS = 86_400

/** Takes the fence shared and reads the epoch after it. False: the epoch has moved on. */
export async function isCurrentEpoch(backend: Backend, epoch: unknown): Promise<boolean> {
  const { postgres, transaction } = backend
  if (postgres.protections.fence) await backend.lock(FENCE, 'share')
  const { epoch: current } = postgres.lease.read(transaction, backend.snapshot())
  transaction.epochSeen = String(epoch)
  if (!postgres.protections.epochCheck || String(current) === String(epoch)) return true
  postgres.counters.add('batch of an old epoch')
  return false
}

/** megacache_record_checkouts of migrations/0003_batches.sql. */
export async function recordCheckouts(backend: Backend, values: readonly unknown[]): Promise<QueryResult> {
  const [epoch, sales, codes, items, users, expiries, again] = values as [
    string, string[], string[], number[], string[], number[], string]
  if (!await isCurrentEpoch(backend, epoch)) return fenced(backend, again)
  backend.mayWrite()
  let written = 0
  const added: { readonly saleId: number, readonly itemId: number }[] = []
  for (const [index, code] of codes.entries()) {
    const saleId = Number(sales[index])
    const isNew = await insertCheckout(backend, {
      writer: backend.transaction, saleId, code, itemId: items[index]!, userId: users[index]!,
      createdAtMs: backend.transaction.startedAtMs, expiresAtMs: expiries[index]!, cancelled: undefined,
    }, again === 'true')
    if (!isNew) continue
    added.push({ saleId, itemId: items[index]! })
    written++
  }
  checkItems(backend, added)
  if (written === codes.length) return answer('')
  foundRows(backend)
  const snapshot = backend.snapshot()
  return answer(codes.map((code, index) => {
    const found = backend.postgres.checkouts.seen(`${sales[index]} ${code}`, backend.transaction, snapshot)
    return found?.itemId === items[index] && found?.userId === users[index] ? 'd' : 'f'
  }).join(''))
}

/** The trigger items_exist_on_insert, after the statement. */
function checkItems(backend: Backend, added: readonly { readonly saleId: number, readonly itemId: number }[]): void {
  for (const { saleId, itemId } of added.toSorted((a, b) => a.saleId - b.saleId || b.itemId - a.itemId)) {
    const sale = backend.postgres.sales.seen(String(saleId), backend.transaction, backend.snapshot())
    if (sale === undefined) throw new SqlError('23503', `sale ${saleId} does not exist`)
    if (itemId >= sale.itemCount) throw checkViolation('items_exist_on_insert')
  }
}

async function insertCheckout(backend: Backend, added: CheckoutRow, isAgain: boolean): Promise<boolean> {
  const { checkouts, partitions, counters } = backend.postgres
  if (!partitions.has(Math.floor(added.saleId / DAY_SECONDS))) throw checkViolation('no partition of relation "checkouts" found for row')
  if (!Number.isFinite(added.expiresAtMs)) throw new SqlError('22008', 'timestamp out of range')
  if (added.itemId < 0 || backend.postgres.refusesCode(added.code, 'checkout')) throw checkViolation('checkouts_item_id_check')
  const key = `${added.saleId} ${added.code}`
  if (await isTaken(backend, () => checkouts.get(key))) {
    if (isAgain) return false
    throw uniqueViolation()
  }
  checkouts.insert(key, added)
  added.writer.onEnd(() => {
    if (added.writer.state === 'committed' && backend.wallMs() > added.expiresAtMs) counters.add('expiry during a write')
  })
  return true
}

/** Whether a committed or own row has the key; waits for a transaction that is about to decide it. */
async function isTaken(backend: Backend, find: () => { writer: CheckoutRow['writer'] } | undefined): Promise<boolean> {
  for (let found = find(); found !== undefined; found = find()) {
    if (found.writer.state === 'committed' || found.writer === backend.transaction) return true
    await backend.waitForEndOf(found.writer)
  }
  return false
}

/** megacache_record_purchases. */
export async function recordPurchases(backend: Backend, values: readonly unknown[]): Promise<QueryResult> {
  const [epoch, sales, codes, items, users, again] = values as [string, string[], string[], number[], string[], string]
  if (!await isCurrentEpoch(backend, epoch)) return fenced(backend, again)
  await backend.lock(PURCHASES, 'exclusive')
  const asked: Asked[] = codes.map((code, index) => ({
    saleId: Number(sales[index]), code, itemId: items[index]!, userId: users[index]!,
  }))
  if (again === 'true') {
    if (asked.some(({ saleId }) => isSaleOver(backend, saleId))) backend.postgres.counters.add('purchase in doubt over rotation')
    return settlePurchases(backend, asked)
  }
  let written = 0
  for (const saleId of [...new Set(asked.map((one) => one.saleId))].toSorted((a, b) => a - b)) {
    const limit = userLimitOf(backend, saleId)
    const snapshot = backend.snapshot()
    const used = new Map<string, number>()
    for (const [userId, ordinal] of highestOrdinals(backend, saleId, snapshot)) used.set(userId, ordinal)
    const ofSale = asked.filter((one) => one.saleId === saleId).toSorted(byUserAndItem)
    backend.mayWrite()
    const added: Asked[] = []
    for (const one of ofSale) {
      const ordinal = (used.get(one.userId) ?? 0) + 1
      used.set(one.userId, ordinal)
      if (ordinal > limit) continue
      if (!await insertPurchase(backend, one, ordinal)) throw uniqueViolation()
      added.push(one)
      written++
    }
    checkItems(backend, added)
  }
  if (written === asked.length) return answer('')
  return settlePurchases(backend, asked)
}

/** As the window function that numbers them leaves them. */
function byUserAndItem(a: Asked, b: Asked): number {
  const users = BigInt(a.userId) - BigInt(b.userId)
  return users === 0n ? a.itemId - b.itemId : users < 0n ? -1 : 1
}

interface Asked {
  readonly saleId: number
  readonly code: string
  readonly itemId: number
  readonly userId: string
}

/** megacache_settle_purchases. */
async function settlePurchases(backend: Backend, asked: readonly Asked[]): Promise<QueryResult> {
  const { purchases } = backend.postgres
  foundRows(backend)
  let letters = ''
  for (const one of asked) {
    const snapshot = backend.snapshot()
    const found = purchases.seen(`${one.saleId} ${one.itemId}`, backend.transaction, snapshot)
    if (found !== undefined) {
      letters += found.code === one.code && found.userId === one.userId ? 'd' : 'f'
      continue
    }
    const limit = userLimitOf(backend, one.saleId)
    const ordinal = firstFreeOrdinal(backend, one, limit)
    if (ordinal === undefined) {
      letters += 'l'
      continue
    }
    backend.mayWrite()
    if (!await insertPurchase(backend, one, ordinal)) {
      throw new SqlError('40001', 'purchases were written beside megacache_record_purchases')
    }
    checkItems(backend, [one])
    letters += 'd'
  }
  return answer(letters)
}

async function insertPurchase(backend: Backend, one: Asked, ordinal: number): Promise<boolean> {
  const { purchases, ordinals, partitions, protections } = backend.postgres
  if (!partitions.has(Math.floor(one.saleId / DAY_SECONDS))) throw checkViolation('no partition of relation "purchases" found for row')
  if (one.itemId < 0 || backend.postgres.refusesCode(one.code, 'purchase')) throw checkViolation('purchases_item_id_check')
  const byItem = `${one.saleId} ${one.itemId}`
  const byOrdinal = `${one.saleId} ${one.userId} ${ordinal}`
  if (protections.uniqueItem && await isTaken(backend, () => purchases.get(byItem))) return false
  if (await isTaken(backend, () => ordinals.get(byOrdinal))) return false
  const added: PurchaseRow = { writer: backend.transaction, ...one, ordinal, purchasedAtMs: backend.wallMs() }
  purchases.insert(byItem, added)
  ordinals.insert(byOrdinal, added)
  return true
}

function highestOrdinals(backend: Backend, saleId: number, snapshot: number): Map<string, number> {
  const highest = new Map<string, number>()
  for (const { saleId: of, userId, ordinal } of backend.postgres.purchases.visible(backend.transaction, snapshot)) {
    if (of === saleId) highest.set(userId, Math.max(ordinal, highest.get(userId) ?? 0))
  }
  return highest
}

function firstFreeOrdinal(backend: Backend, { saleId, userId }: Asked, limit: number): number | undefined {
  const snapshot = backend.snapshot()
  for (let ordinal = 1; ordinal <= limit; ordinal++) {
    if (backend.postgres.ordinals.seen(`${saleId} ${userId} ${ordinal}`, backend.transaction, snapshot) === undefined) return ordinal
  }
  return undefined
}

function userLimitOf(backend: Backend, saleId: number): number {
  const sale = backend.postgres.sales.seen(String(saleId), backend.transaction, backend.snapshot())
  if (sale === undefined) throw new SqlError('23503', `sale ${saleId} does not exist`)
  return sale.userLimit
}

/** megacache_record_cancels. */
export async function recordCancels(backend: Backend, values: readonly unknown[]): Promise<QueryResult> {
  const [epoch, sales, codes] = values as [string, string[], string[]]
  if (!await isCurrentEpoch(backend, epoch)) return answer('!')
  backend.mayWrite()
  let written = 0
  for (const saleId of [...new Set(sales.map(Number))].toSorted((a, b) => a - b)) {
    const wanted = new Set(codes.filter((_code, index) => Number(sales[index]) === saleId))
    for (const code of wanted) if (await cancelCheckout(backend, saleId, code)) written++
  }
  if (written === codes.length) return answer('')
  foundRows(backend)
  const snapshot = backend.snapshot()
  return answer(codes.map((code, index) => {
    const found = backend.postgres.checkouts.seen(`${sales[index]} ${code}`, backend.transaction, snapshot)
    if (found === undefined) return 'm'
    return found.cancelled !== undefined && isVisible(found.cancelled.writer, backend.transaction, snapshot) ? 'd' : 'f'
  }).join(''))
}

async function cancelCheckout(backend: Backend, saleId: number, code: string): Promise<boolean> {
  const { checkouts, purchases } = backend.postgres
  const { transaction } = backend
  const checkout = checkouts.seen(`${saleId} ${code}`, transaction, backend.snapshot())
  if (checkout === undefined) return false
  const bought = purchases.seen(`${saleId} ${checkout.itemId}`, transaction, backend.snapshot())
  if (bought?.code === code) return false
  for (let by = checkout.cancelled; by !== undefined; by = checkout.cancelled) {
    if (by.writer.state === 'committed' || by.writer === transaction) return false
    await backend.waitForEndOf(by.writer)
  }
  const cancelled = { atMs: transaction.startedAtMs, writer: transaction }
  checkout.cancelled = cancelled
  backend.postgres.onCancel(checkout)
  transaction.wrote(() => { if (checkout.cancelled === cancelled) checkout.cancelled = undefined })
  return true
}

/** pg_logical_emit_message: the commit waits for all that precedes it. */
export function foundRows(backend: Backend): void {
  backend.postgres.counters.add('batch found rows instead of writing them')
  if (backend.postgres.protections.waitsForFoundRows) backend.transaction.hasWritten = true
}

function fenced(backend: Backend, again: string): QueryResult {
  if (again === 'true') backend.postgres.counters.add('take-over during a resolve')
  return answer('!')
}

function isSaleOver(backend: Backend, saleId: number): boolean {
  const sale = backend.postgres.sales.get(String(saleId))
  return sale !== undefined && sale.endsAtMs < backend.wallMs()
}

function answer(letters: string): QueryResult {
  return row({ megacache_record: letters })
}
