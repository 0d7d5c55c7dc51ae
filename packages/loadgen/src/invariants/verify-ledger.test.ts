import { describe, expect, test } from 'vitest'
import type { RecordedCall, RunRecord } from '../history/call-history.ts'
import type { CheckoutRow, Ledger, PurchaseRow } from '../ledger/ledger.ts'
import { salesOf, verifyAnswers, verifyLedger, type VerifyOptions } from './verify-ledger.ts'
import { VIOLATION_KINDS, type ViolationKind } from './violation.ts'

const SALE = 1_800_000_000
const START_MS = SALE * 1_000
const ITEMS = 20
const LIMIT = 10

/** A sold-out sale of 20 items to two users, with nothing wrong; tests break copies of it. */
interface Scene {
  runs: RunRecord[]
  calls: RecordedCall[]
  sales: { saleId: number; itemCount: number; userLimit: number }[]
  checkouts: CheckoutRow[]
  purchases: PurchaseRow[]
  options: VerifyOptions
}

function codeOf(itemId: number, saleId = SALE): string {
  return `${saleId.toString(16)}-0000-8000-8000-${itemId.toString(16).padStart(12, '0')}`
}

function soldOut(): Scene {
  const scene: Scene = {
    runs: [
      {
        scenario: 'sell-out',
        url: 'http://127.0.0.1:1',
        saleId: SALE,
        items: ITEMS,
        userLimit: LIMIT,
        startedEmpty: true,
        firstUserId: '1',
        userCount: 2,
        seed: 1,
        startedAtMs: START_MS,
      },
    ],
    calls: [],
    sales: [{ saleId: SALE, itemCount: ITEMS, userLimit: LIMIT }],
    checkouts: [],
    purchases: [],
    options: { expectSoldOut: true },
  }
  for (let itemId = 0; itemId < ITEMS; itemId++) {
    const userId = String(1 + (itemId % 2))
    const row = { saleId: SALE, itemId, userId, code: codeOf(itemId) }
    const atMs = START_MS + itemId * 10
    scene.checkouts.push({
      ...row,
      createdAtMs: atMs,
      expiresAtMs: atMs + 60_000,
      cancelledAtMs: undefined,
    })
    scene.purchases.push({ ...row })
    const call = { ...row, outcome: 'acknowledged', status: 200, reason: '' } as const
    scene.calls.push(
      { ...call, step: 'checkout', sentAtMs: atMs, answeredAtMs: atMs + 2 },
      { ...call, step: 'purchase', sentAtMs: atMs + 3, answeredAtMs: atMs + 5 },
    )
  }
  return scene
}

function verify(scene: Scene): ReturnType<typeof verifyLedger> {
  const { sales, checkouts, purchases } = scene
  const ledger: Ledger = { sales, checkouts, purchases, clockOffsetMs: 0 }
  return verifyLedger(scene, ledger, scene.options)
}

function change<T>(list: T[], index: number, fields: Partial<T>): void {
  list[index] = { ...(list[index] as T), ...fields }
}

/** Call 2n is the checkout of item n, call 2n + 1 its purchase. */
const BROKEN: readonly [ViolationKind, string, (scene: Scene) => void][] = [
  ['code_malformed', 'a 200 without a code', (s) => change(s.calls, 0, { code: 'reserved' })],
  ['code_given_twice', 'one code for two buyers', (s) => change(s.calls, 2, { code: codeOf(0) })],
  ['code_bought_twice', 'two 200 for one code', (s) => s.calls.push(s.calls[1] as RecordedCall)],
  [
    'item_acknowledged_twice',
    'two purchases of one item',
    (s) => change(s.calls, 3, { itemId: 0 }),
  ],
  ['checkout_row_missing', 'a lost reservation', (s) => s.checkouts.splice(4, 1)],
  [
    'checkout_row_mismatch',
    'the row of another user',
    (s) => change(s.checkouts, 3, { userId: '77' }),
  ],
  [
    'checkout_row_mismatch',
    'the row of another item',
    (s) => change(s.checkouts, 3, { itemId: 4 }),
  ],
  [
    'checkout_row_duplicated',
    'one code, two rows',
    (s) => s.checkouts.push(s.checkouts[0] as CheckoutRow),
  ],
  ['purchase_row_missing', 'a lost purchase', (s) => s.purchases.splice(7, 1)],
  [
    'purchase_row_mismatch',
    'sold to another user',
    (s) => change(s.purchases, 3, { userId: '77' }),
  ],
  [
    'purchase_row_duplicated',
    'bought twice with one code',
    (s) => s.purchases.push(s.purchases[0] as PurchaseRow),
  ],
  [
    'code_crosses_sale',
    'bought in the next sale',
    (s) => change(s.purchases, 5, { saleId: SALE + 3_600 }),
  ],
  [
    'code_crosses_sale',
    'reserved in the next sale',
    (s) => change(s.checkouts, 5, { saleId: SALE + 3_600 }),
  ],
  ['checkout_unexplained', 'a reservation nobody made', (s) => s.calls.splice(8, 1)],
  ['purchase_unexplained', 'a purchase nobody made', (s) => s.calls.splice(9, 1)],
  [
    'purchase_unexplained',
    'a purchase that was answered 409',
    (s) => change(s.calls, 9, { outcome: 'refused', status: 409, reason: 'already_purchased' }),
  ],
  [
    'purchase_without_checkout',
    'a code never given',
    (s) => change(s.purchases, 2, { code: codeOf(999) }),
  ],
  [
    'bought_after_cancel',
    'a cancelled reservation',
    (s) => change(s.checkouts, 2, { cancelledAtMs: START_MS }),
  ],
  [
    'bought_after_expiry',
    'first tried when it was over',
    (s) => change(s.calls, 1, { sentAtMs: START_MS + 61_500 }),
  ],
  ['item_sold_twice', 'two rows of one item', (s) => change(s.purchases, 6, { itemId: 5 })],
  [
    'item_out_of_range',
    'an item that does not exist',
    (s) => change(s.purchases, 6, { itemId: ITEMS }),
  ],
  [
    'oversold',
    'one purchase more than items',
    (s) => s.purchases.push({ saleId: SALE, itemId: 0, userId: '500', code: codeOf(500) }),
  ],
  ['undersold', 'one purchase fewer than items', (s) => s.purchases.pop()],
  ['user_above_limit', 'an eleventh purchase', (s) => change(s.purchases, 1, { userId: '1' })],
  [
    'reservations_above_limit',
    'an eleventh living reservation',
    (s) => {
      change(s.checkouts, 1, { userId: '1' })
      s.purchases.length = 0
    },
  ],
  [
    'reservations_overlap',
    'a reservation given away while it lives',
    (s) => {
      const row = {
        ...(s.checkouts[0] as CheckoutRow),
        code: codeOf(600),
        createdAtMs: START_MS + 100,
      }
      s.checkouts.push(row)
      s.calls.push({ ...(s.calls[0] as RecordedCall), code: row.code })
    },
  ],
  [
    'reservation_not_honoured',
    'refused as unknown while it lives',
    (s) => {
      change(s.calls, 1, { outcome: 'refused', status: 409, reason: 'unknown_code' })
      s.purchases.splice(0, 1)
    },
  ],
  ['sale_missing', 'no row for the sale', (s) => s.sales.pop()],
]

describe('the ledger check', () => {
  test('finds nothing wrong with a true sell-out', () => {
    const verification = verify(soldOut())
    expect(verification.violations).toEqual([])
    expect(verification).toMatchObject({
      ok: true,
      checked: { acknowledgedCheckouts: 20, acknowledgedPurchases: 20, purchasesOfOneUserMax: 10 },
    })
  })

  test.each(BROKEN)('reports %s for %s', (kind, _what, corrupt) => {
    const scene = soldOut()
    corrupt(scene)
    const verification = verify(scene)
    expect(verification.ok).toBe(false)
    expect(Object.keys(verification.countByKind)).toContain(kind)
    const found = verification.violations.find((violation) => violation.kind === kind)
    expect(found?.sentence).toMatch(/\d/)
  })

  test('has an example of every kind of violation', () => {
    expect(new Set(BROKEN.map(([kind]) => kind))).toEqual(new Set(VIOLATION_KINDS))
  })

  test.each([
    ['checkout in doubt', 6],
    ['purchase in doubt', 7],
  ])('accepts a %s with and without its row', (_what, call) => {
    for (const hasRow of [true, false]) {
      const scene = soldOut()
      scene.options = {}
      const fields = call === 6 ? { code: '', saleId: 0 } : {}
      change(scene.calls, call, { ...fields, outcome: 'unknown', status: 503 })
      if (call === 6) scene.calls.splice(7, 1)
      if (call === 6 || !hasRow) scene.purchases.splice(3, 1)
      if (call === 6 && !hasRow) scene.checkouts.splice(3, 1)
      expect(verify(scene).violations).toEqual([])
    }
  })

  test('leaves the rows of other users and of sales that did not begin empty alone', () => {
    const scene = soldOut()
    scene.options = {}
    const stray = { saleId: SALE, itemId: 3, userId: '3', code: codeOf(700) }
    const life = { createdAtMs: START_MS, expiresAtMs: START_MS + 5, cancelledAtMs: undefined }
    scene.checkouts.push({ ...stray, ...life })
    expect(verify(scene).violations).toEqual([])
    change(scene.checkouts, ITEMS, { userId: '2' })
    expect(verify(scene).countByKind).toEqual({ checkout_unexplained: 1 })
    change(scene.runs, 0, { startedEmpty: false })
    expect(verify(scene).violations).toEqual([])
    scene.options = { explainRows: 'always' }
    expect(verify(scene).countByKind).toEqual({ checkout_unexplained: 1 })
  })

  test('judges a continued sale by how its first run began', () => {
    const scene = soldOut()
    const first = scene.runs[0] as RunRecord
    scene.runs.push({ ...first, startedEmpty: false, startedAtMs: START_MS + 100 })
    scene.calls.splice(9, 1)
    expect(verify(scene).countByKind).toEqual({ purchase_unexplained: 1 })
  })

  test('bounds the evidence and counts the rest', () => {
    const scene = soldOut()
    scene.purchases.length = 0
    const verification = verify(scene)
    expect(verification.countByKind.purchase_row_missing).toBe(20)
    const kept = verification.violations.filter(({ kind }) => kind === 'purchase_row_missing')
    expect(kept).toHaveLength(10)
    expect(kept[0]?.sentence).toContain('item 0 for user 1')
  })

  test('allows for the difference of the clocks', () => {
    const scene = soldOut()
    change(scene.calls, 1, { sentAtMs: START_MS + 61_500 })
    expect(verify(scene).countByKind).toEqual({ bought_after_expiry: 1 })
    const { sales, checkouts, purchases } = scene
    const ledger = { sales, checkouts, purchases, clockOffsetMs: -1_000 }
    expect(verifyLedger(scene, ledger).violations).toEqual([])
  })

  test('lets a purchase in doubt be confirmed after the reservation ended', () => {
    const scene = soldOut()
    const purchase = scene.calls[1] as RecordedCall
    scene.calls.push({ ...purchase, outcome: 'unknown', status: 503 })
    change(scene.calls, 1, { sentAtMs: START_MS + 61_500 })
    expect(verify(scene).violations).toEqual([])
  })
})

describe('the check of the answers alone', () => {
  test('finds an eleventh purchase and one item bought twice', () => {
    const scene = soldOut()
    expect(verifyAnswers(scene).violations).toEqual([])
    change(scene.calls, 3, { userId: '1', itemId: 0 })
    expect(verifyAnswers(scene).countByKind).toEqual({
      item_acknowledged_twice: 1,
      user_above_limit: 1,
    })
  })
})

test('the sales of a history are those of its runs and of its codes', () => {
  const scene = soldOut()
  change(scene.calls, 0, { saleId: SALE + 60 })
  expect(salesOf(scene)).toEqual([SALE, SALE + 60])
})
