import { beforeEach, describe, expect, test } from 'vitest'
import { skipWithout } from '../harness/skip-without.ts'
import { expectNothingNoticed } from './judge.ts'
import { handOversInNamespace, missingForNamespace } from './namespace.ts'

const IS_LONG = process.env['MEGACACHE_LONG_TESTS'] === 'on'

beforeEach(async ({ skip }) => skipWithout(await missingForNamespace(), skip))

describe('hand-overs under constant load', () => {
  // G12: busy, idle and fresh connections; codes survive with their expiry.
  test('fail no request, reset no connection, and keep every reservation', { timeout: 240_000 }, async () => {
    const handOvers = IS_LONG ? 40 : 5
    const report = await handOversInNamespace({ handOvers, env: { RESERVATION_TTL: '600s' }, pauseMsMax: 400, kept: 30, loadMsMin: 0 })
    expectNothingNoticed(report)
    expect(report.requests).toBeGreaterThan(1_000)
    expect(report.exits).toHaveLength(handOvers)
    expect(report.kept).toHaveLength(30)
    for (const { movedMs, status } of report.kept) {
      expect(movedMs).toBeLessThanOrEqual(50)
      expect(status).toBe(200)
    }
    expect(report.purchaseRows).toBe(report.purchases + 30)
  })

  // G11 and G12 at once: sales begin every two seconds while processes change.
  test('beside rotations fail no request either', { timeout: 240_000 }, async () => {
    const env = { SALE_PERIOD: '2s', RESERVATION_TTL: '5s' }
    const [handOvers, rotations] = IS_LONG ? [20, 60] : [5, 20]
    const report = await handOversInNamespace({
      // In a sale that a hand-over takes most of nothing may be bought: a few more pass.
      handOvers, env, pauseMsMax: 3_000, kept: 0, loadMsMin: (rotations + 3) * 2_000,
    })
    expectNothingNoticed(report)
    expect(report.exits).toHaveLength(handOvers)
    expect(report.salesSeen).toBeGreaterThan(rotations)
    expect(report.purchaseRows).toBe(report.purchases)
  })
})
