import { expect, test } from 'vitest'
import { measureSellOuts } from '../../bench/sell-out.bench.ts'

test('the benchmark of a sell-out runs', async () => {
  const [sale, ...others] = await measureSellOuts({ connections: 4, sales: 1, threads: '1', items: 100 })
  expect(others).toEqual([])
  expect(sale).toMatchObject({ connections: 4, saleNumber: 1 })
  for (const figure of [sale?.seconds, sale?.checkoutMsP50, sale?.checkoutMsP99, sale?.purchaseMsP99]) expect(figure).toBeGreaterThan(0)
})
