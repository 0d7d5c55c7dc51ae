import type { RecordedCall } from '../../src/history/call-history.ts'
import type { ViolationKind } from '../../src/invariants/violation.ts'
import { ITEMS, NEXT_SALE, SALE, type Scene } from './scene.ts'

/** What must be found, what is wrong in words, and how a valid history is made so. */
export type Corruption = readonly [ViolationKind, string, (scene: Scene) => void]

/** Seen in the answers alone, and with a ledger as well. */
export const IN_ANSWERS: readonly Corruption[] = [
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
    'a living reservation not found by a read',
    (s) => s.refused('read', s.checkout(7, 5, 3_600_200, NEXT_SALE), 'not_found', 3_600_210),
  ],
  [
    'refusal_without_reason',
    'a purchase refused with the reason of a read',
    (s) => s.refused('purchase', s.newCode(), 'not_found', 33_100),
  ],
  [
    'refusal_without_reason',
    'a read refused with the reason of a purchase',
    (s) => s.refused('read', s.newCode(), 'unknown_code', 33_100),
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
  ...(
    [
      ['purchase', 'purchase_of_unknown_code', 'a code of the current sale', NEXT_SALE],
      ['purchase', 'purchase_of_unknown_code', 'a code of an older sale', SALE - 7_200],
      ['purchase', 'purchase_of_unknown_code', 'a code of a sale to come', NEXT_SALE + 86_400],
      ['cancel', 'cancel_of_unknown_code', 'a code of the current sale', NEXT_SALE],
      ['cancel', 'cancel_of_unknown_code', 'a code of an older sale', SALE - 7_200],
      ['read', 'read_of_unknown_code', 'a code of the first sale', SALE],
    ] as const
  ).map(
    ([step, kind, what, saleId]): Corruption => [
      kind,
      `a ${step} answered 200 for ${what} that nobody gave`,
      (s) => {
        const fields = { saleId, itemId: 6, userId: '7', code: s.newCode(saleId), state: 'reserved' }
        s.call({ step, ...fields }, step === 'read' ? 20_000 : 3_600_200)
      },
    ],
  ),
  [
    'purchase_of_unknown_code',
    'a purchase answered 200 for what is no code',
    (s) => s.call({ step: 'purchase', itemId: 6, userId: '7', code: 'nonsense' }, 3_600_200),
  ],
  [
    'code_of_other_sale',
    'a checkout whose code names another sale than it was in',
    (s) => s.call({ step: 'checkout', saleId: NEXT_SALE, itemId: 6, userId: '7', code: s.newCode(SALE - 7_200) }, 3_600_200),
  ],
  [
    'code_of_other_sale',
    'a checkout whose code names a sale that has not begun',
    (s) => void s.checkout(7, 6, 3_600_200, NEXT_SALE + 3_600),
  ],
  [
    'reservation_mismatch',
    'a purchase of another item than was reserved with the code',
    (s) => s.change(s.find('purchase', 'acknowledged', 10), { itemId: 11 }),
  ],
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
