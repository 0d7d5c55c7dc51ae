import { describe, expect, test } from 'vitest'
import type { RecordedCall } from '../../src/history/call-history.ts'
import { HistoryChecker } from '../../src/invariants/history-checker.ts'
import {
  checkHistory,
  type Verification,
  type VerifyOptions,
} from '../../src/invariants/verify-ledger.ts'
import { VIOLATION_KINDS, type ViolationKind } from '../../src/invariants/violation.ts'
import type { CheckoutRow, PurchaseRow } from '../../src/ledger/ledger.ts'
import { ITEMS, NEXT_SALE, SALE, type Scene, soldOut, START_MS } from './scene.ts'

type Corruption = readonly [ViolationKind, string, (scene: Scene) => void]

/** Seen in the answers alone, and with a ledger as well. */
const IN_ANSWERS: readonly Corruption[] = [
  [
    'code_malformed',
    'a 200 without a code',
    (s) => s.change(s.find('checkout', 'acknowledged', 0), { code: 'reserved' }),
  ],
  [
    'code_given_twice',
    'one code for two buyers',
    (s) => s.change(s.find('checkout', 'acknowledged', 1), { code: s.codeOf(0) }),
  ],
  [
    'code_bought_twice',
    'two 200 for one code',
    (s) => s.calls.push({ ...(s.calls[s.find('purchase', 'acknowledged', 0)] as RecordedCall) }),
  ],
  [
    'item_acknowledged_twice',
    'an item sold to two users, each with a code',
    (s) => s.purchase(s.checkout(7, 2, 50_000), 50_010),
  ],
  ['item_out_of_range', 'a reservation of an item that is not', (s) => s.checkout(7, ITEMS, 500)],
  ['oversold', 'a thirteenth purchase of twelve items', (s) => s.purchase(s.checkout(7, ITEMS, 500), 510)],
  [
    'undersold',
    'an item that nobody ever bought, with a sell-out expected',
    (s) => {
      for (const step of ['purchase', 'checkout'] as const) {
        s.calls.splice(s.find(step, 'acknowledged', 7), 1)
      }
      s.calls = s.calls.filter((call) => call.reason !== 'sold_out')
      s.purchases = s.purchases.filter((row) => row.itemId !== 7)
      s.checkouts = s.checkouts.filter((row) => row.itemId !== 7)
    },
  ],
  [
    'user_above_limit',
    'a fourth purchase of one user, limit three',
    (s) => {
      s.change(s.find('purchase', 'acknowledged', 3), { userId: '1' })
      s.change(s.find('checkout', 'acknowledged', 3), { userId: '1' })
    },
  ],
  [
    'reservations_above_limit',
    'four reservations of one user at one moment',
    (s) => {
      for (let i = 0; i < 4; i++) s.checkout(7, i, 3_600_200 + i * 10, NEXT_SALE)
    },
  ],
  [
    'reservations_overlap',
    'an item given away one second before its reservation ends',
    (s) => s.checkout(7, 11, 59_400),
  ],
  ['reservations_overlap', 'a sold item given away again', (s) => s.checkout(7, 2, 70_000)],
  [
    'reservations_overlap',
    'a reservation given away that a later purchase proves to have lived',
    (s) => {
      const code = s.checkout(7, 5, 3_600_200, NEXT_SALE)
      s.checkout(8, 5, 3_660_160, NEXT_SALE)
      s.purchase(code, 3_660_170)
    },
  ],
  [
    'reservations_overlap',
    'an item given away between its cancel that was refused and its purchase',
    (s) => {
      const code = s.checkout(7, 5, 3_600_200, NEXT_SALE)
      s.refused('cancel', code, 'reservation_busy', 3_600_210)
      s.checkout(8, 5, 3_600_220, NEXT_SALE)
    },
  ],
  [
    'reservation_not_honoured',
    'a living reservation refused as unknown',
    (s) => s.refused('purchase', s.checkout(7, 5, 3_600_200, NEXT_SALE), 'unknown_code', 3_600_210),
  ],
  [
    'reservation_not_honoured',
    'a reservation expired one second early',
    (s) => {
      const code = s.checkout(7, 5, 3_600_200, NEXT_SALE)
      s.refused('purchase', code, 'reservation_expired', 3_659_200)
    },
  ],
  [
    'reservation_not_honoured',
    'a cancel refused as expired while the reservation lives',
    (s) => s.refused('cancel', s.checkout(7, 5, 3_600_200, NEXT_SALE), 'reservation_expired', 3_600_900),
  ],
  [
    'reservation_mismatch',
    "a reservation shown as another user's",
    (s) => s.change(s.find('read', 'reserved', 10), { userId: '7' }),
  ],
  [
    'bought_after_expiry',
    'first tried two seconds after the reservation ended',
    (s) => s.purchase(s.checkout(7, 5, 3_600_200, NEXT_SALE), 3_662_200),
  ],
  [
    'bought_after_cancel',
    'a cancelled reservation bought all the same',
    (s) => {
      const code = s.checkout(7, 5, 3_600_200, NEXT_SALE)
      s.cancel(code, 3_600_210)
      s.purchase(code, 3_600_220)
    },
  ],
  [
    'cancelled_after_expiry',
    'a reservation cancelled two seconds after it ended',
    (s) => s.cancel(s.checkout(7, 5, 3_600_200, NEXT_SALE), 3_662_200),
  ],
  ['cancelled_twice', 'two 204 for one reservation', (s) => s.cancel(s.codeOf(10), 336)],
  [
    'purchase_of_unknown_code',
    'a purchase with a code that was never given',
    (s) => {
      const code = s.newCode(NEXT_SALE)
      const fields = { saleId: NEXT_SALE, itemId: 6, userId: '7', code }
      s.call({ step: 'purchase', ...fields }, 3_600_200)
    },
  ],
  [
    'purchase_contradicted',
    'told that it expired, and told that it was bought',
    (s) => {
      const code = s.checkout(7, 5, 3_600_200, NEXT_SALE)
      s.unknown('purchase', { saleId: NEXT_SALE, itemId: 5, userId: '7', code }, 3_660_195)
      s.refused('purchase', code, 'reservation_expired', 3_660_300)
      s.purchase(code, 3_660_310)
    },
  ],
  [
    'read_contradicted',
    'shown as reserved after it was bought',
    (s) => s.read(s.codeOf(0), 'reserved', 1_000),
  ],
  [
    'read_contradicted',
    'shown as reserved after it was cancelled',
    (s) => s.read(s.codeOf(10), 'reserved', 1_000),
  ],
  [
    'read_contradicted',
    'shown as reserved two seconds after it ended',
    (s) => s.read(s.codeOf(11), 'reserved', 62_500),
  ],
  [
    'read_contradicted',
    'shown as purchased before anybody bought it',
    (s) => s.read(s.checkout(7, 5, 3_600_200, NEXT_SALE), 'purchased', 3_600_210),
  ],
  [
    'read_contradicted',
    'shown as expired while it lives',
    (s) => s.read(s.checkout(7, 5, 3_600_200, NEXT_SALE), 'expired', 3_600_210),
  ],
  [
    'read_contradicted',
    'shown as cancelled, and nobody cancelled it',
    (s) => s.read(s.checkout(7, 5, 3_600_200, NEXT_SALE), 'cancelled', 3_662_000),
  ],
  [
    'already_purchased_unjustified',
    'called purchased, and nobody tried to buy it',
    (s) => s.refused('purchase', s.checkout(7, 5, 3_600_200, NEXT_SALE), 'already_purchased', 3_600_210),
  ],
  [
    'expired_without_reservation',
    'called expired, and never given',
    (s) => s.refused('purchase', s.newCode(), 'reservation_expired', 500),
  ],
  [
    'free_item_refused',
    'an item refused as reserved that nobody asked for',
    (s) => s.refusedCheckout(7, 5, 'item_reserved', 3_600_200),
  ],
  [
    'free_item_refused',
    'an item refused as sold that is only reserved',
    (s) => s.refusedCheckout(7, 11, 'item_sold', 20_000),
  ],
  [
    'free_item_refused',
    'an item of the new sale refused as sold, because it was sold in the old one',
    (s) => s.refusedCheckout(7, 7, 'item_sold', 3_600_200),
  ],
  [
    'ended_item_refused',
    'an item still refused 300 ms after its reservation has ended',
    (s) => s.refusedCheckout(7, 11, 'item_reserved', 60_760),
  ],
  [
    'ended_item_refused',
    'an item still refused after its reservation was cancelled',
    (s) => s.refusedCheckout(7, 10, 'item_reserved', 342),
  ],
  [
    'sold_item_refused_as_reserved',
    'a sold item called reserved',
    (s) => s.refusedCheckout(7, 2, 'item_reserved', 1_000),
  ],
  [
    'sold_out_too_early',
    'called sold out with an item left',
    (s) => s.refusedCheckout(7, 2, 'sold_out', 59_000),
  ],
  [
    'user_below_limit_refused',
    'refused at the limit with two of three',
    (s) => s.refusedCheckout(5, 2, 'user_limit_reached', 410),
  ],
  [
    'user_below_limit_refused',
    'refused at the limit because of purchases in the old sale',
    (s) => s.refusedCheckout(2, 2, 'user_limit_reached', 3_600_200),
  ],
  ['refusal_without_reason', 'a 409 that says nothing', (s) => s.refusedCheckout(7, 2, '', 500)],
  [
    'refusal_without_reason',
    "a purchase refused for a checkout's reason",
    (s) => s.refused('purchase', s.codeOf(0), 'item_sold', 500),
  ],
  [
    'refusal_without_reason',
    'a well-formed checkout refused as malformed',
    (s) => {
      s.refusedCheckout(7, 2, 'invalid_parameter', 500)
      s.change(s.calls.length - 1, { status: 400 })
    },
  ],
  ['sale_reopened', 'a code of the old sale after the new one began', (s) => s.checkout(7, 2, 3_600_200)],
]

/** Seen only with a ledger. */
const IN_LEDGER: readonly Corruption[] = [
  ['checkout_row_missing', 'a lost reservation', (s) => dropCheckout(s, s.codeOf(4))],
  ['checkout_row_mismatch', 'the row of another user', (s) => s.changeRow(s.codeOf(3), { userId: '77' })],
  ['checkout_row_mismatch', 'the row of another item', (s) => s.changeRow(s.codeOf(3), { itemId: 4 })],
  [
    'checkout_row_duplicated',
    'one code, two rows',
    (s) => s.checkouts.push(s.checkouts[0] as CheckoutRow),
  ],
  ['checkout_unexplained', 'a reservation that nobody made', (s) => s.row(s.newCode(), 7, 2, 100)],
  [
    'checkout_unexplained',
    'a reservation by a checkout that was refused',
    (s) => s.row(s.newCode(), 1, 11, 31_000),
  ],
  [
    'checkout_unexplained',
    'two reservations by one checkout in doubt',
    (s) => s.row(s.newCode(), 6, 9, 200),
  ],
  ['purchase_row_missing', 'a lost purchase', (s) => dropPurchase(s, s.codeOf(7))],
  [
    'purchase_row_mismatch',
    'sold to another user',
    (s) => s.changePurchase(s.codeOf(3), { userId: '77' }),
  ],
  [
    'purchase_row_duplicated',
    'bought twice with one code',
    (s) => s.purchases.push(s.purchases[0] as PurchaseRow),
  ],
  [
    'purchase_unexplained',
    'a purchase that nobody made',
    (s) => {
      const code = s.checkout(7, 5, 3_600_200, NEXT_SALE)
      s.purchases.push({ saleId: NEXT_SALE, itemId: 5, userId: '7', code })
    },
  ],
  [
    'purchase_unexplained',
    'a purchase that was only ever refused',
    (s) => {
      const code = s.checkout(7, 5, 3_600_200, NEXT_SALE)
      s.refused('purchase', code, 'already_purchased', 3_600_210)
      s.purchases.push({ saleId: NEXT_SALE, itemId: 5, userId: '7', code })
    },
  ],
  [
    'purchase_contradicted',
    'a 503 that kept the money: told that it expired, and in the ledger as bought',
    (s) => {
      const code = s.checkout(7, 5, 3_600_200, NEXT_SALE)
      const named = { saleId: NEXT_SALE, itemId: 5, userId: '7', code }
      s.unknown('purchase', named, 3_660_100)
      s.refused('purchase', code, 'reservation_expired', 3_662_000)
      s.purchases.push(named)
    },
  ],
  [
    'purchase_without_checkout',
    'a code never given',
    (s) => s.changePurchase(s.codeOf(2), { code: s.newCode() }),
  ],
  [
    'bought_after_cancel',
    'a reservation cancelled in the ledger and sold',
    (s) => s.changeRow(s.codeOf(2), { cancelledAtMs: START_MS + 100 }),
  ],
  [
    'cancel_row_missing',
    'an acknowledged cancel that the ledger does not know',
    (s) => s.changeRow(s.codeOf(10), { cancelledAtMs: undefined }),
  ],
  [
    'cancel_unexplained',
    'a cancel that nobody asked for',
    (s) => s.changeRow(s.codeOf(11), { cancelledAtMs: START_MS + 60_000 }),
  ],
  [
    'code_crosses_sale',
    'bought in the next sale',
    (s) => s.changePurchase(s.codeOf(5), { saleId: NEXT_SALE }),
  ],
  [
    'code_crosses_sale',
    'reserved in the next sale',
    (s) => s.changeRow(s.codeOf(5), { saleId: NEXT_SALE }),
  ],
  ['item_sold_twice', 'two rows of one item', (s) => s.changePurchase(s.codeOf(6), { itemId: 5 })],
  [
    'item_out_of_range',
    'an item sold that does not exist',
    (s) => s.changePurchase(s.codeOf(6), { itemId: ITEMS }),
  ],
  [
    'oversold',
    'one row more than items',
    (s) => s.purchases.push({ saleId: SALE, itemId: 0, userId: '500', code: s.newCode() }),
  ],
  ['undersold', 'one row fewer than items', (s) => dropPurchase(s, s.codeOf(7))],
  [
    'user_above_limit',
    'a fourth purchase in the ledger',
    (s) => s.changePurchase(s.codeOf(3), { userId: '1' }),
  ],
  ['sale_missing', 'no row for the sale', (s) => s.sales.shift()],
]

function dropCheckout(s: Scene, code: string): void {
  s.checkouts = s.checkouts.filter((row) => row.code !== code)
}

function dropPurchase(s: Scene, code: string): void {
  s.purchases = s.purchases.filter((row) => row.code !== code)
}

const OPTIONS: VerifyOptions = { expectSoldOut: true }

function check(scene: Scene, hasLedger: boolean): Verification {
  return checkHistory(scene, hasLedger ? scene.ledger : undefined, OPTIONS)
}

/** The same history, call by call as they are answered, judged ten seconds behind, soon forgotten. */
function checkGrowing(scene: Scene): Verification {
  const checker = new HistoryChecker({ ...OPTIONS, retainMs: 70_000 })
  for (const run of scene.runs) checker.run(run)
  for (const call of scene.calls.toSorted((a, b) => a.answeredAtMs - b.answeredAtMs)) {
    checker.call(call)
    checker.advance(call.answeredAtMs - 10_000)
  }
  return checker.finish()
}

/** The same, judged by the checker itself as calls come. */
function checkLive(scene: Scene): Verification {
  const checker = new HistoryChecker({ ...OPTIONS, lagMs: 10_000, retainMs: 70_000 })
  for (const run of scene.runs) checker.run(run)
  for (const call of scene.calls.toSorted((a, b) => a.answeredAtMs - b.answeredAtMs)) {
    checker.call(call)
  }
  return checker.finish()
}

describe('a valid history', () => {
  test.each([true, false])('is accepted, with a ledger: %s', (hasLedger) => {
    const verification = check(soldOut(), hasLedger)
    expect(verification.violations).toEqual([])
    expect(verification).toMatchObject({
      ok: true,
      checked: {
        acknowledgedPurchases: 13,
        acknowledgedCancels: 1,
        unknownCalls: 2,
        judgedSales: 2,
        purchasesOfOneUserMax: 3,
      },
    })
  })

  test('is accepted as it grows', () => {
    expect(checkGrowing(soldOut()).violations).toEqual([])
  })

  test('is accepted in whatever order its calls are recorded', () => {
    const scene = soldOut()
    scene.calls.reverse()
    expect(check(scene, true).violations).toEqual([])
  })
})

describe.each([
  ['by its answers alone', IN_ANSWERS, false],
  ['with a ledger', IN_ANSWERS, true],
  ['with a ledger only', IN_LEDGER, true],
] as const)('a corrupted history, %s,', (_how, corruptions, hasLedger) => {
  test.each(corruptions)('has %s: %s', (kind, _name, corrupt) => {
    const scene = soldOut()
    corrupt(scene)
    const verification = check(scene, hasLedger)
    expect(verification.ok).toBe(false)
    expect(verification.countByKind).toHaveProperty(kind)
    const found = verification.violations.find((violation) => violation.kind === kind)
    expect(found?.sentence).toMatch(/\d/)
    if (kind !== 'undersold') {
      expect((found?.calls.length ?? 0) + (found?.rows.length ?? 0)).toBeGreaterThan(0)
    }
  })
})

describe('a corrupted history that grows', () => {
  // What is given up when codes are forgotten: whether an unknown code was ever given.
  const kept = IN_ANSWERS.filter(([kind]) => kind !== 'expired_without_reservation')
  test.each(kept)('has %s: %s', (kind, _name, corrupt) => {
    const scene = soldOut()
    corrupt(scene)
    expect(checkGrowing(scene).countByKind).toHaveProperty(kind)
  })
})

describe('a corrupted history that is checked while it is made', () => {
  // What is given up: a refusal that a cancel on its way would have shown to be wrong, and forgotten codes.
  const given = ['an item still refused after its reservation was cancelled']
  const kept = IN_ANSWERS.filter(
    ([kind, name]) => kind !== 'expired_without_reservation' && !given.includes(name),
  )
  test.each(kept)('has %s: %s', (kind, _name, corrupt) => {
    const scene = soldOut()
    corrupt(scene)
    expect(checkLive(scene).countByKind).toHaveProperty(kind)
  })

  test('is accepted when it is valid', () => {
    expect(checkLive(soldOut()).violations).toEqual([])
  })
})

test('every kind of violation has its corruption, and there are at least thirty', () => {
  const all = [...IN_ANSWERS, ...IN_LEDGER]
  expect(new Set(all.map(([kind]) => kind))).toEqual(new Set(VIOLATION_KINDS))
  expect(all.length).toBeGreaterThanOrEqual(60)
})
