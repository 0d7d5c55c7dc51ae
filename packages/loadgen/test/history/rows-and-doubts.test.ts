import { describe, expect, test } from 'vitest'
import type { RunRecord } from '../../src/history/call-history.ts'
import {
  salesOf,
  type Verification,
  verifyAnswers,
  verifyLedger,
  type VerifyOptions,
} from '../../src/invariants/verify-ledger.ts'
import type { CheckoutRow } from '../../src/ledger/ledger.ts'
import { NEXT_SALE, SALE, Scene, soldOut, START_MS, TTL_MS } from './scene.ts'

function verify(scene: Scene, options: VerifyOptions = {}): Verification {
  return verifyLedger(scene, scene.ledger, options)
}

test.each([true, false])('a checkout in doubt may have its row or not: %s', (hasRow) => {
  const scene = new Scene()
  scene.unknown('checkout', { itemId: 3, userId: '7' }, 10)
  if (hasRow) scene.row(scene.newCode(), 7, 3, 10)
  expect(verify(scene).violations).toEqual([])
})

test.each([true, false])('a purchase in doubt may have its row or not: %s', (hasRow) => {
  const scene = new Scene()
  const code = scene.checkout(7, 3, 10)
  const named = { saleId: SALE, itemId: 3, userId: '7', code }
  scene.unknown('purchase', named, 20)
  if (hasRow) scene.purchases.push(named)
  scene.refusedCheckout(8, 3, hasRow ? 'item_sold' : 'item_reserved', 70_000)
  expect(verify(scene).violations).toEqual([])
})

test('a purchase in doubt may be confirmed after the reservation has ended', () => {
  const scene = new Scene()
  const code = scene.checkout(7, 3, 10)
  scene.unknown('purchase', { saleId: SALE, itemId: 3, userId: '7', code }, 59_000)
  scene.purchase(code, 90_000)
  expect(verify(scene).violations).toEqual([])
})

test('what a checkout in doubt may hold excuses every later refusal of its item and its user', () => {
  const scene = new Scene()
  for (const item of [0, 1]) scene.checkout(7, item, item)
  scene.unknown('checkout', { itemId: 2, userId: '7' }, 10)
  scene.refusedCheckout(8, 2, 'item_reserved', 20)
  scene.refusedCheckout(7, 5, 'user_limit_reached', 30)
  expect(verifyAnswers(scene).violations).toEqual([])
  scene.calls = scene.calls.filter((call) => call.outcome !== 'unknown')
  expect(verifyAnswers(scene).countByKind).toEqual({
    free_item_refused: 1,
    user_below_limit_refused: 1,
  })
})

test('a checkout that is refused for its item counts for its user while it lasts', () => {
  const scene = new Scene()
  for (const item of [0, 1]) scene.checkout(7, item, item)
  scene.checkout(8, 2, 2)
  scene.refusedCheckout(7, 2, 'item_reserved', 20)
  scene.refusedCheckout(7, 5, 'user_limit_reached', 21)
  expect(verifyAnswers(scene).violations).toEqual([])
  scene.refusedCheckout(7, 5, 'user_limit_reached', 31)
  expect(verifyAnswers(scene).countByKind).toEqual({ user_below_limit_refused: 1 })
})

describe('rows', () => {
  const stray = (scene: Scene, userId: number): void =>
    scene.row(scene.newCode(), userId, 2, 100)

  test('of users that are not of these runs need no call', () => {
    const scene = soldOut()
    stray(scene, 77)
    expect(verify(scene).violations).toEqual([])
    stray(scene, 7)
    expect(verify(scene).countByKind).toEqual({ checkout_unexplained: 1 })
  })

  test('need a call in sales that began empty, always, or never, as told', () => {
    const scene = soldOut()
    stray(scene, 7)
    scene.runs[0] = { ...(scene.runs[0] as RunRecord), startedEmpty: false }
    expect(verify(scene).violations).toEqual([])
    expect(verify(scene, { explainRows: 'always' }).countByKind).toEqual({
      checkout_unexplained: 1,
    })
    expect(verify(scene, { explainRows: 'never' }).violations).toEqual([])
  })

  test('of a continued sale are judged by how its first run began', () => {
    const scene = soldOut()
    const first = scene.runs[0] as RunRecord
    scene.runs.push({ ...first, startedEmpty: false, startedAtMs: START_MS + 100 })
    stray(scene, 7)
    expect(verify(scene).countByKind).toEqual({ checkout_unexplained: 1 })
  })

  test('of others excuse a refusal', () => {
    const scene = new Scene()
    scene.refusedCheckout(7, 2, 'item_reserved', 150)
    expect(verify(scene).countByKind).toEqual({ free_item_refused: 1 })
    stray(scene, 77)
    expect(verify(scene).violations).toEqual([])
  })
})

test('the evidence of a kind is bounded, and the rest counted', () => {
  const scene = soldOut()
  scene.purchases.length = 0
  const verification = verify(scene)
  expect(verification.countByKind.purchase_row_missing).toBe(13)
  const kept = verification.violations.filter(({ kind }) => kind === 'purchase_row_missing')
  expect(kept).toHaveLength(10)
  expect(kept[0]?.sentence).toContain('item 0 by user 1')
  expect(kept[0]?.calls.map((call) => call.step)).toEqual(['checkout', 'purchase'])
})

test('rows are compared on the clock of the calls', () => {
  const offsetMs = 7_200_000
  const scene = soldOut()
  const shifted = scene.checkouts.map(
    (row): CheckoutRow => ({
      ...row,
      createdAtMs: row.createdAtMs + offsetMs,
      expiresAtMs: row.expiresAtMs + offsetMs,
      cancelledAtMs: row.cancelledAtMs === undefined ? undefined : row.cancelledAtMs + offsetMs,
    }),
  )
  const ledger = { ...scene.ledger, checkouts: shifted, clockOffsetMs: offsetMs }
  expect(verifyLedger(scene, ledger, { expectSoldOut: true }).violations).toEqual([])
})

test('the life of a reservation is known from its row where nobody told the time to live', () => {
  const scene = new Scene()
  const { reservationTtlMs: _untold, ...run } = scene.runs[0] as RunRecord
  scene.runs[0] = run
  const code = scene.checkout(7, 3, 10)
  scene.purchase(code, TTL_MS + 3_000)
  expect(verifyAnswers(scene).violations).toEqual([])
  expect(verify(scene).countByKind).toEqual({ bought_after_expiry: 1 })
  expect(verify(scene, { clockToleranceMs: 5_000 }).violations).toEqual([])
})

test('refusals of a sale that did not begin empty are not judged, unless told to', () => {
  const scene = new Scene()
  scene.runs[0] = { ...(scene.runs[0] as RunRecord), startedEmpty: false }
  scene.refusedCheckout(7, 2, 'item_sold', 150)
  expect(verifyAnswers(scene).violations).toEqual([])
  expect(verifyAnswers(scene, { judgeRefusals: 'always' }).countByKind).toEqual({
    free_item_refused: 1,
  })
})

test('around the change of sales a refusal may be of either', () => {
  const scene = new Scene()
  scene.checkout(7, 2, 10)
  scene.checkout(8, 3, 20_000, SALE + 20)
  scene.refusedCheckout(7, 2, 'item_reserved', 20_001)
  expect(verifyAnswers(scene).violations).toEqual([])
  scene.refusedCheckout(7, 2, 'item_reserved', 20_010)
  expect(verifyAnswers(scene).countByKind).toEqual({ free_item_refused: 1 })
})

test('the sales of a history are those of its runs and of its codes', () => {
  expect(salesOf(soldOut())).toEqual([SALE, NEXT_SALE])
})
