import { describe, expect, test } from 'vitest'
import { HistoryChecker } from '../../src/invariants/history-checker.ts'
import {
  checkHistory,
  type Verification,
  type VerifyOptions,
} from '../../src/invariants/verify-ledger.ts'
import { VIOLATION_KINDS } from '../../src/invariants/violation.ts'
import { IN_ANSWERS } from './corrupted-answers.ts'
import { IN_LEDGER } from './corrupted-rows.ts'
import { type Scene, soldOut } from './scene.ts'

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
