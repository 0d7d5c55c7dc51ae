import { expect, test } from 'vitest'
import { SeededRandom } from '../seeded-random.ts'
import { ItemQueue } from './item-queue.ts'

function items(queue: ItemQueue, nowMs = 0): number[] {
  const found: number[] = []
  for (let one = queue.take(nowMs); one >= 0; one = queue.take(nowMs))
    found.push(queue.itemOf(one))
  return found
}

test('offers each item as often as there are contenders, side by side', () => {
  const offered = items(new ItemQueue(50, 3, new SeededRandom(1)))
  expect(offered).toHaveLength(150)
  for (let i = 0; i < offered.length; i += 3) {
    expect(new Set(offered.slice(i, i + 3)).size).toBe(1)
  }
  expect(new Set(offered).size).toBe(50)
})

test('a try put back is offered behind the others and not before its time', () => {
  const queue = new ItemQueue(3, 1, new SeededRandom(1))
  const first = queue.take(0)
  queue.putBack(first, 40)
  expect(items(queue)).not.toContain(queue.itemOf(first))
  expect(queue.take(39)).toBe(-1)
  expect(queue.take(40)).toBe(first)
})

test('counts the tries that are not settled', () => {
  const queue = new ItemQueue(2, 2, new SeededRandom(1))
  items(queue)
  expect(queue.unsettledCount).toBe(4)
  queue.settle()
  expect(queue.unsettledCount).toBe(3)
})
