import { expect, test } from 'vitest'
import { UnansweredPurchases } from './unanswered-purchases.ts'

test('a purchase that became durable after its 503 is claimed by one of those who ask, on whichever thread', () => {
  const memory = UnansweredPurchases.memoryFor(70)
  const [one, other] = [new UnansweredPurchases(memory), new UnansweredPurchases(memory)]
  for (const itemId of [0, 31, 32, 69]) one.add(itemId)
  expect(other.claim(1)).toBe(false)
  for (const itemId of [0, 31, 32, 69]) {
    expect(other.claim(itemId)).toBe(true)
    expect(one.claim(itemId)).toBe(false)
  }
})
