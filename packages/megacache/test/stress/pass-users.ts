import { parentPort, workerData } from 'node:worker_threads'
import { Megacache, type PendingCheckout } from '../../src/index.ts'
import { openMemory } from '../../src/sale-handle.ts'
import { distanceOf } from '../../src/user-reach.ts'

export interface PassOrder {
  readonly items: number
  readonly users: number
  /** Users between two looks at the reaches. */
  readonly chunk: number
}

export interface PassReport {
  /** How much longer the old sale takes than a young one at the same moment, for a few users each. */
  readonly ratios: readonly number[]
  /** Mean distance that a search has to look, after each chunk. */
  readonly reaches: readonly number[]
  readonly audit: readonly string[]
  readonly reserved: number
}

const PAIRS = 9
const USERS_OF_A_PAIR = 25_000

/** Users one after the other through one full sale. */
class Passage {
  readonly sale: Megacache
  private readonly live: PendingCheckout[] = []
  private user = 0

  constructor(items: number) {
    this.sale = Megacache.create({ items, userLimit: 10, reservationTtlMs: 600_000 })
  }

  /** Lets so many pass; returns how long it took, in milliseconds. */
  pass(count: number): number {
    const startMs = performance.now()
    for (const end = this.user + count; this.user < end; this.user++) this.passOne(this.user)
    return performance.now() - startMs
  }

  /** A user never seen before takes the item of the one who has had its item longest. */
  private passOne(user: number): void {
    const { live, sale } = this
    const item = user % sale.items
    if (user >= sale.items) sale.cancel(live[item]!)
    const pending = sale.tryCheckout({ low: user, high: user >>> 8 }, item)
    if (!pending.ok) throw new Error(pending.reason)
    pending.confirm()
    live[item] = pending
  }
}

const { items, users, chunk }: PassOrder = workerData
const old = new Passage(items)
const reaches: number[] = []
for (let passed = 0; passed < users; passed += chunk) {
  old.pass(chunk)
  reaches.push(reachMean(old.sale))
}
const young = new Passage(items)
young.pass(2 * items)
const ratios = Array.from({ length: PAIRS }, () => old.pass(USERS_OF_A_PAIR) / young.pass(USERS_OF_A_PAIR))
const report: PassReport = { ratios, reaches, audit: old.sale.audit(), reserved: old.sale.stats().reserved }
parentPort!.postMessage(report)

function reachMean(sale: Megacache): number {
  const { words, layout } = openMemory(sale.handle)
  let sum = 0
  for (const reach of words.subarray(layout.reachesStart, layout.usersStart)) sum += distanceOf(reach)
  return sum / layout.userCells
}
