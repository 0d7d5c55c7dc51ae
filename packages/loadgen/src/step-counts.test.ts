import { expect, test } from 'vitest'
import { StepCounts } from './step-counts.ts'

test('counts by status and reason, the most frequent reason first', () => {
  const counts = new StepCounts()
  counts.add(409, 'item_sold')
  counts.add(200, '')
  counts.add(409, 'item_reserved', 2)
  counts.add(409, 'item_sold', 4)
  counts.add(0, 'ECONNRESET')
  expect(counts.list()).toEqual([
    { status: 0, reason: 'ECONNRESET', count: 1 },
    { status: 200, reason: '', count: 1 },
    { status: 409, reason: 'item_sold', count: 5 },
    { status: 409, reason: 'item_reserved', count: 2 },
  ])
})
