import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { Megacache } from '../../src/index.ts'

it('keeps what a dead thread had pending: taken, counted, and in no other way', async () => {
  const sale = Megacache.create({ items: 3, userLimit: 2, reservationTtlMs: 1 })
  const kept = Megacache.create({ items: 3, userLimit: 2, reservationTtlMs: 60_000 })
  const answer = kept.checkout(2, 1)
  const code = answer.ok ? answer.reservation.code : ''
  const thread = (each: Megacache): Worker => new Worker(new URL('./die.ts', import.meta.url), { workerData: { handle: each.handle, code } })
  await Promise.all([once(thread(sale), 'exit'), once(thread(kept), 'exit')])

  // A pending reservation does not run out, and a pending purchase is neither sold nor given back.
  expect([sale.sweep(), sale.item(0).state, sale.user(1).reserved]).toEqual([0, 'reserved', 1])
  expect(kept.purchase(code)).toEqual({ ok: false, reason: 'purchase_pending' })
  // Both are whole states: nothing is half done, and a new sale can be built from what is durable.
  expect([sale.stuck(0), sale.audit(), kept.stuck(0), kept.audit()]).toEqual([[], [], [], []])
  const rebuilt = Megacache.create({ items: 3, userLimit: 2, reservationTtlMs: 60_000 })
  rebuilt.restore(kept.snapshot())
  expect(rebuilt.purchase(code).ok).toBe(true)
})
