import { parentPort, workerData } from 'node:worker_threads'
import { Megacache, type PendingCheckout } from '../../src/index.ts'
import { openMemory } from '../../src/sale-handle.ts'
import { distanceOf } from '../../src/user-reach.ts'

export interface PassOrder {
  readonly items: number
  readonly users: number
  /** Users between two readings of the clock. */
  readonly chunk: number
}

export interface PassReport {
  readonly chunkMs: readonly number[]
  /** Mean distance that a search has to look, after each chunk. */
  readonly reaches: readonly number[]
  readonly audit: readonly string[]
  readonly reserved: number
}

const { items, users, chunk }: PassOrder = workerData
const sale = Megacache.create({ items, userLimit: 10, reservationTtlMs: 600_000 })
const { words, layout } = openMemory(sale.handle)
const live: PendingCheckout[] = []
const chunkMs: number[] = []
const reaches: number[] = []

for (let from = 0; from < users; from += chunk) {
  const startMs = performance.now()
  for (let user = from; user < from + chunk; user++) pass(user)
  chunkMs.push(performance.now() - startMs)
  reaches.push(reachMean())
}
const report: PassReport = { chunkMs, reaches, audit: sale.audit(), reserved: sale.stats().reserved }
parentPort!.postMessage(report)

/** A user never seen before takes the item of the one who has had its item longest. */
function pass(user: number): void {
  const item = user % items
  if (user >= items) sale.cancel(live[item]!)
  const pending = sale.tryCheckout({ low: user, high: user >>> 8 }, item)
  if (!pending.ok) throw new Error(pending.reason)
  pending.confirm()
  live[item] = pending
}

function reachMean(): number {
  let sum = 0
  for (const reach of words.subarray(layout.reachesStart, layout.usersStart)) sum += distanceOf(reach)
  return sum / layout.userCells
}
