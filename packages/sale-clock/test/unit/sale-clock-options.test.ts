import { expect, test } from 'vitest'
import { readSettings } from '../../src/sale-clock-options.ts'
import { saleAt } from '../../src/sale-schedule.ts'

const callbacks = {
  prepare: async () => {},
  open: () => {},
  retire: async () => true,
  onError: () => {},
}

test('fills in the documented defaults', () => {
  expect(readSettings({ ...callbacks, periodMs: 3_600_000 })).toMatchObject({
    prepareLeadMs: 60_000,
    retirePollMs: 1_000,
    stepCheckMs: 1_000,
    retryMinMs: 100,
    retryMaxMs: 5_000,
    current: undefined,
    restored: [],
  })
  expect(readSettings({ ...callbacks, periodMs: 2_000 }).prepareLeadMs).toBe(2_000)
  expect(readSettings({ ...callbacks, periodMs: 2_000, retryMinMs: 9_000 }).retryMaxMs).toBe(9_000)
})

test.each([
  [{ periodMs: 1_500 }, /periodMs must be/],
  [{ prepareLeadMs: -1 }, /prepareLeadMs must be from 0 to 2592000000 ms, not -1/],
  [{ retirePollMs: 0 }, /retirePollMs/],
  [{ stepCheckMs: 30_001 }, /stepCheckMs must be from 10 to 30000 ms, not 30001/],
  [{ stepCheckMs: NaN }, /stepCheckMs/],
  [{ retryMinMs: 0 }, /retryMinMs/],
  [{ retryMinMs: 200, retryMaxMs: 100 }, /retryMaxMs must be from 200/],
  [{ current: { saleId: 1, startsAtMs: 1_000, endsAtMs: 1_000 } }, /not a sale/],
  [{ restored: [saleAt(0, 1_000), { saleId: 2, startsAtMs: 0, endsAtMs: 1 }] }, /not a sale/],
])('refuses %j', (bad, message) => {
  expect(() => readSettings({ ...callbacks, periodMs: 2_000, ...bad })).toThrow(message)
})
