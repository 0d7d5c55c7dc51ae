import { expect, test } from 'vitest'
import { compareFences } from '../../bench/fence.bench.ts'
import { rowsPerSecond } from '../../bench/rows-per-second.bench.ts'
import { testDatabase } from '../database.ts'

const database = testDatabase()

test('the benchmark of rows per second runs', async () => {
  const result = await rowsPerSecond({ connection: database.url, rows: 300, pairs: 1, batchRows: 128, pastDays: 1 })
  expect(Object.values(result).every((figure) => figure > 0)).toBe(true)
  const { rows } = await database.client.query(
    'select (select count(*)::int from checkouts) as c, (select count(*)::int from purchases) as p')
  expect(rows).toEqual([{ c: 300, p: 300 }])
})

test('the comparison of the two fences runs', async () => {
  const { advisory, forShare } = await compareFences({ connection: database.url, batches: 5, pairs: 1, batchRows: 10 })
  for (const figures of [advisory, forShare]) expect(Object.values(figures).every((figure) => figure > 0)).toBe(true)
})
