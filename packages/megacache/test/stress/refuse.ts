import { getHeapStatistics } from 'node:v8'
import { parentPort } from 'node:worker_threads'
import { Megacache } from '../../src/index.ts'

/** Bytes allocated for one refusal of each reason. */
export type RefuseReport = Readonly<Record<string, number>>

const TURNS = 1_000_000
const sale = Megacache.create({ items: 4, userLimit: 1, reservationTtlMs: 600_000 })
const sold = sale.checkout(1, 0)
const code = sold.ok ? sold.reservation.code : ''
sale.purchase(code)
sale.checkout(2, 1)

const calls: readonly (() => { ok: boolean; reason?: string })[] = [
  () => sale.checkout(3, 0), () => sale.checkout(3, 1), () => sale.checkout(2, 2),
  () => sale.purchase(code), () => sale.purchase('x'), () => sale.purchase('00000001-0000-8000-8000-000000000001'),
]
const report: Record<string, number> = {}
for (const call of calls) {
  for (let turn = 0; turn < TURNS / 4; turn++) call()
  const before = allocatedBytes()
  for (let turn = 0; turn < TURNS; turn++) call()
  report[(call() as { reason: string }).reason] = (allocatedBytes() - before) / TURNS
}
parentPort!.postMessage(report satisfies RefuseReport)

/** Since the thread began; Node's types do not know it yet. */
function allocatedBytes(): number {
  return (getHeapStatistics() as unknown as { total_allocated_bytes: number }).total_allocated_bytes
}
