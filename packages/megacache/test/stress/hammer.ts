import { parentPort, workerData } from 'node:worker_threads'
import { Megacache, type Refusal, type SaleHandle } from '../../src/index.ts'

export interface HammerOrder {
  readonly sales: readonly SaleHandle[]
  /** Recent codes of all threads, four words each: whoever reads one may try it. */
  readonly board: SharedArrayBuffer
  readonly users: number
  readonly seed: number
  readonly saleMs: number
}

export interface HammerReport {
  /** `sale/item/code/user` of every answer of its kind. */
  readonly reserved: readonly string[]
  readonly purchased: readonly string[]
  readonly cancelled: readonly string[]
  /** Answers that contradict the question. */
  readonly wrong: readonly string[]
  readonly reasons: readonly string[]
}

/** What a thread does on each sale at least, however little of the time it was given. */
const TURNS_MIN = 16_384

const { sales, board, users, seed, saleMs }: HammerOrder = workerData
const words = new Int32Array(board)
const report = {
  reserved: [] as string[], purchased: [] as string[], cancelled: [] as string[], wrong: [] as string[], reasons: new Set<string>(),
}

let state = seed
/** Marsaglia's xorshift: below `bound`. */
function random(bound: number): number {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) % bound
}

for (const handle of sales) hammer(Megacache.attach(handle))
parentPort!.postMessage({ ...report, reasons: [...report.reasons] } satisfies HammerReport)

function hammer(sale: Megacache): void {
  const endsAtMs = performance.now() + saleMs
  for (let turn = 0; ; turn++) {
    if (turn % 64 === 0 && (sale.stats().sold === sale.items || (turn >= TURNS_MIN && performance.now() > endsAtMs))) return
    const dice = random(4000)
    if (dice < 1800) reserve(sale)
    else if (dice < 2200) reserveInTwoPhases(sale, random(2) === 0)
    else if (dice < 2201) note(sale, report.purchased, sale.purchase(codeFromBoard()))
    else if (dice < 3000) purchaseInVain(sale)
    else if (dice < 3600) note(sale, report.cancelled, sale.cancel(codeFromBoard()))
    else if (dice < 3800) sale.sweep(1 + random(3))
    else look(sale)
  }
}

function reserve(sale: Megacache): void {
  const [user, item] = [random(users), random(sale.items)]
  const answer = sale.checkout(user, item)
  if (!answer.ok) return refused(answer)
  const { reservation } = answer
  if (reservation.userId !== BigInt(user) || reservation.itemId !== item) {
    report.wrong.push(`user ${user} reserved item ${item} and was given that of ${reservation.userId}`)
  }
  note(sale, report.reserved, answer)
  post(reservation.code)
}

function reserveInTwoPhases(sale: Megacache, isConfirmed: boolean): void {
  const user = random(users)
  const pending = sale.tryCheckout({ low: user, high: 0 }, random(sale.items))
  if (!pending.ok) return refused(pending)
  const early = sale.purchase(pending)
  if (early.ok || early.reason !== 'unknown_code') report.wrong.push('a code was known before its reservation was confirmed')
  if (!isConfirmed) pending.rollback()
  else {
    report.reserved.push(`${sale.saleId}/${pending.itemId}/${pending.code}/${user}`)
    pending.confirm()
    post(pending.code)
  }
}

function purchaseInVain(sale: Megacache): void {
  const pending = sale.tryPurchase(codeFromBoard())
  if (!pending.ok) return refused(pending)
  const again = sale.purchase(pending.code)
  if (again.ok || again.reason !== 'purchase_pending') report.wrong.push('a code was purchased twice at once')
  pending.rollback()
}

function look(sale: Megacache): void {
  const user = random(users)
  const { reserved, purchased, limit } = sale.user(user)
  if (reserved + purchased > limit) report.wrong.push(`user ${user} has ${reserved} + ${purchased} items`)
  const code = codeFromBoard()
  const info = sale.reservation(code)
  if (info.ok && info.code !== code) report.wrong.push(`asked for ${code} and was told of ${info.code}`)
}

function note(sale: Megacache, list: string[], answer: ReturnType<Megacache['purchase']>): void {
  if (!answer.ok) return refused(answer)
  const { code, itemId, userId } = answer.reservation
  list.push(`${sale.saleId}/${itemId}/${code}/${userId}`)
}

function refused({ reason }: Refusal): void {
  report.reasons.add(reason)
}

function post(code: string): void {
  const at = random(words.length / 4) * 4
  for (const [index, part] of [code.slice(0, 8), code.slice(9, 18), code.slice(19, 28), code.slice(28)].entries()) {
    Atomics.store(words, at + index, Number.parseInt(part.replace('-', ''), 16))
  }
}

function codeFromBoard(): string {
  const at = random(words.length / 4) * 4
  const hex = [0, 1, 2, 3].map((index) => (Atomics.load(words, at + index) >>> 0).toString(16).padStart(8, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
