import { expect, it } from 'vitest'
import { Megacache, type ReservationRow } from './index.ts'
import { ManualClock } from './testing/index.ts'

const TTL_MS = 1000
const clock = new ManualClock()

function newSale(userLimit = 2): Megacache {
  return Megacache.create({ items: 4, userLimit, reservationTtlMs: TTL_MS, saleId: 3, clock })
}

function row(user: number, itemId: number, remainingMs = TTL_MS): ReservationRow {
  const answer = newSale().checkout(user, itemId)
  if (!answer.ok) throw new Error(answer.reason)
  return { code: answer.reservation.code, itemId, userId: user, remainingMs }
}

it('puts back purchases and reservations with the same codes, as often as it is told to', () => {
  const sale = newSale()
  const rows = { purchases: [row(1, 0)], reservations: [row(2, 1, 400), row(2, 2, 0), row(2, 3, -5)] }
  expect(sale.restore(rows)).toEqual({ purchases: 1, reservations: 1, superseded: [] })
  expect(sale.restore(rows)).toEqual({ purchases: 0, reservations: 0, superseded: [] })
  expect(sale.audit()).toEqual([])
  expect(sale.stats()).toMatchObject({ sold: 1, reserved: 1, available: 2, totals: { reservations: 0 } })
  expect(sale.purchase(rows.purchases[0]!.code)).toEqual({ ok: false, reason: 'already_purchased' })
  expect(sale.reservation(rows.reservations[0]!.code)).toMatchObject({ state: 'reserved', expiresAt: clock.wallMs() + 400 })
  expect(sale.purchase(rows.reservations[0]!.code).ok).toBe(true)
})

it('puts a code back whatever its tenure was', () => {
  const old = newSale()
  for (let tenure = 0; tenure < 130; tenure++) {
    const answer = old.checkout(1, 0)
    if (!answer.ok) throw new Error(answer.reason)
    const sale = newSale()
    sale.restore({ purchases: [], reservations: [{ ...answer.reservation, remainingMs: 10 }] })
    expect(sale.purchase(answer.reservation.code)).toMatchObject({ ok: true, reservation: { code: answer.reservation.code } })
    old.cancel(answer.reservation.code)
  }
})

it('clamps a life longer than a reservation can have', () => {
  const sale = newSale()
  const reservation = row(1, 0, Number.POSITIVE_INFINITY)
  sale.restore({ purchases: [], reservations: [reservation] })
  expect(sale.reservation(reservation.code)).toMatchObject({ expiresAt: clock.wallMs() + TTL_MS })
})

it('prefers purchases, then the longest life, and keeps every limit', () => {
  const sale = newSale(1)
  const [short, long, over] = [row(1, 1, 300), row(2, 1, 500), row(2, 2, 400)]
  expect(sale.restore({ purchases: [row(3, 0)], reservations: [short, over, long, row(1, 0)] })).toMatchObject({
    purchases: 1, reservations: 1, superseded: [{ itemId: 0 }, over, short],
  })
  expect(sale.audit()).toEqual([])
})

it('turns a reservation that it knows into the purchase that was durable after all', () => {
  const sale = newSale()
  const reservation = row(1, 0)
  sale.restore({ purchases: [], reservations: [reservation] })
  expect(sale.restore({ purchases: [reservation], reservations: [] })).toMatchObject({ purchases: 1 })
  expect(sale.user(1)).toMatchObject({ reserved: 0, purchased: 1 })
  expect(sale.audit()).toEqual([])
})

it.each([
  ['another sale', { ...row(1, 0), code: row(1, 0).code.replace('00000003', '00000004') }],
  ['another item', { ...row(1, 0), itemId: 1 }],
  ['an item that the sale does not have', { ...row(1, 0), itemId: 4, code: row(1, 0).code.replace('-80', '-84') }],
  ['nothing', { ...row(1, 0), code: '' }],
  ['no string', { ...row(1, 0), code: 5 as never }],
  ['a code without random bits', { ...row(1, 0), code: '00000003-0000-8000-8000-000000000000' }],
  ['another version', { ...row(1, 0), code: row(1, 0).code.replace('-80', '-40') }],
])('does not restore a code of %s', (_what, bad) => {
  expect(() => newSale().restore({ purchases: [bad], reservations: [] })).toThrow(expect.objectContaining({ code: 'restore_conflict' }))
  expect(() => newSale().restore({ purchases: [], reservations: [bad] })).toThrow(expect.objectContaining({ code: 'restore_conflict' }))
})

it('does not restore rows that contradict each other', () => {
  const one = row(1, 0)
  const conflicts = [
    { purchases: [one, row(2, 0)], reservations: [] },
    { purchases: [one, { ...one, userId: 2 }], reservations: [] },
    { purchases: [one], reservations: [{ ...one, userId: 2 }] },
    { purchases: [row(1, 0), row(1, 1), row(1, 2)], reservations: [] },
    { purchases: [], reservations: [{ ...one, remainingMs: Number.NaN }] },
    { purchases: [one], reservations: [], foreignItems: [0] },
    { purchases: [], reservations: [], foreignItems: [4] },
  ]
  for (const rows of conflicts) {
    expect(() => newSale().restore(rows)).toThrow(expect.objectContaining({ code: 'restore_conflict' }))
  }
})

it('takes a snapshot of pending purchases and cancellations as the reservations that they still are', () => {
  const sale = newSale(4)
  const codes = [0, 1, 2, 3].map((item) => {
    const answer = sale.checkout(1, item)
    return answer.ok ? answer.reservation.code : ''
  })
  sale.tryPurchase(codes[0]!)
  sale.tryCancel(codes[1]!)
  sale.cancel(codes[2]!)
  sale.purchase(codes[3]!)
  const { purchases, reservations, saleId } = sale.snapshot()
  expect([saleId, purchases.map(({ code }) => code), reservations.map(({ code }) => code)]).toEqual([3, [codes[3]], [codes[0], codes[1]]])
  expect(reservations.map(({ remainingMs }) => remainingMs)).toEqual([TTL_MS, TTL_MS])
})
