import { describe, expect, test } from 'vitest'
import type { RecordedCall } from '../../src/history/call-history.ts'
import { HistoryChecker } from '../../src/invariants/history-checker.ts'
import { checkHistory, type Verification } from '../../src/invariants/verify-ledger.ts'
import { RandomSale } from './random-sale.ts'
import type { Scene } from './scene.ts'

const SEEDS = Number(process.env['HISTORY_SEEDS'] ?? 150)
const FIRST_SEED = Number(process.env['HISTORY_SEED'] ?? 1)
const CALLS = 600

/** The calls as they are answered, judged with the least delay that is allowed. */
function checkGrowing(scene: Scene): Verification {
  const checker = new HistoryChecker({ retainMs: 500 })
  for (const run of scene.runs) checker.run(run)
  const calls = scene.calls.toSorted((a, b) => a.answeredAtMs - b.answeredAtMs)
  const sentLater: number[] = []
  let earliestMs = Infinity
  for (const call of calls.toReversed()) {
    earliestMs = Math.min(earliestMs, call.sentAtMs)
    sentLater.unshift(earliestMs)
  }
  for (const [i, call] of calls.entries()) {
    checker.call(call)
    checker.advance(sentLater[i + 1] ?? call.sentAtMs)
  }
  return checker.finish()
}

describe('a random history of a correct sale', () => {
  test('is accepted: by its answers, with its ledger, and as it grows', () => {
    const seen = new Map<string, number>()
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const scene = new RandomSale(seed).run(CALLS)
      const command = `HISTORY_SEED=${seed} HISTORY_SEEDS=1`
      expect(checkHistory(scene).violations, command).toEqual([])
      expect(checkHistory(scene, scene.ledger).violations, command).toEqual([])
      expect(checkGrowing(scene).violations, command).toEqual([])
      for (const { step, outcome, reason, state } of scene.calls) {
        const what = `${step} ${state ?? (reason === '' ? outcome : reason)}`
        seen.set(what, (seen.get(what) ?? 0) + 1)
      }
    }
    if (SEEDS < 100) return
    expect([...seen.keys()].toSorted()).toEqual(OUTCOMES)
  })

  test('is refused when one of its answers is turned into its opposite', () => {
    let refused = 0
    let tried = 0
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const scene = new RandomSale(seed).run(CALLS)
      const index = scene.calls.findIndex(isBoughtAtOnce)
      if (index < 0) continue
      tried++
      scene.change(index, { outcome: 'refused', status: 409, reason: 'reservation_expired' })
      if (!checkHistory(scene, scene.ledger).ok) refused++
    }
    expect(tried).toBeGreaterThan(SEEDS * 0.9)
    expect(refused).toBe(tried)
  })
})

function isBoughtAtOnce(call: RecordedCall): boolean {
  return call.step === 'purchase' && call.outcome === 'acknowledged'
}

/** A campaign in which one of these never occurs shows less than it seems to. */
const OUTCOMES = [
  'cancel acknowledged',
  'cancel already_purchased',
  'cancel reservation_busy',
  'cancel reservation_expired',
  'cancel unknown',
  'cancel unknown_code',
  'checkout acknowledged',
  'checkout item_reserved',
  'checkout item_sold',
  'checkout sold_out',
  'checkout unknown',
  'checkout user_limit_reached',
  'purchase acknowledged',
  'purchase already_purchased',
  'purchase reservation_expired',
  'purchase unknown',
  'purchase unknown_code',
  'read cancelled',
  'read cancelling',
  'read expired',
  'read purchased',
  'read purchasing',
  'read reserved',
]
