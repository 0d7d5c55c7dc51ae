import type { CheckoutRow, PurchaseRow } from '../../src/ledger/ledger.ts'
import type { Corruption } from './corrupted-answers.ts'
import { ITEMS, NEXT_SALE, SALE, type Scene, START_MS } from './scene.ts'

/** Seen only with a ledger. */
export const IN_LEDGER: readonly Corruption[] = [
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
    'purchase_row_missing',
    'a code that was called purchased after a try in doubt, and is not',
    (s) => {
      const code = s.checkout(7, 5, 3_600_200, NEXT_SALE)
      s.unknown('purchase', { saleId: NEXT_SALE, itemId: 5, userId: '7', code }, 3_600_210)
      s.refused('purchase', code, 'already_purchased', 3_605_300)
    },
  ],
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
