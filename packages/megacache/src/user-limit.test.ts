import fc from 'fast-check'
import { expect, it } from 'vitest'
import { HASH_START, HASH_WORDS, type Layout } from './layout.ts'
import { createMemory } from './sale-handle.ts'
import { UserLimit } from './user-limit.ts'
import { userIdOf } from './user-id.ts'

function tableOf(userLimit: number, isOneHome = false): { limit: UserLimit; layout: Layout; words: Int32Array } {
  const { words, layout } = createMemory({ items: 10, userLimit, reservationTtlMs: 1 })
  if (isOneHome) words.fill(0, HASH_START, HASH_START + HASH_WORDS)
  return { limit: new UserLimit(words, layout), layout, words }
}

it.each([false, true])('counts like a map, whether all users share a home cell (%s) or not', (isOneHome) => {
  const user = fc.constantFrom(0, 1, -1, 5, 1 << 30)
  const step = fc.record({ isRelease: fc.boolean(), low: user, high: user })
  fc.assert(fc.property(fc.array(step, { maxLength: 200, size: 'max' }), fc.integer({ min: 1, max: 3 }), (steps, userLimit) => {
    const { limit, layout, words } = tableOf(userLimit, isOneHome)
    const model = new Map<bigint, number>()
    const counts = { count: 0, purchased: 0 }
    for (const { isRelease, low, high } of steps) {
      const id = userIdOf(low, high)
      const count = model.get(id) ?? 0
      if (isRelease && count === 0) continue
      const isCounted = isRelease ? limit.release(low, high) === undefined : limit.acquire(low, high)
      expect(isCounted).toBe(isRelease || count < userLimit)
      model.set(id, isRelease ? count - 1 : Math.min(userLimit, count + 1))
      limit.read(low, high, counts)
      expect(counts.count).toBe(model.get(id))
    }
    const seen = new Map<bigint, number>()
    limit.forEach((low, high, count) => seen.set(userIdOf(low, high), count))
    expect(seen).toEqual(new Map([...model].filter(([, count]) => count > 0)))
    limit.forEach((low, high, count) => { for (let left = count; left > 0; left--) limit.release(low, high) })
    expect(words.subarray(layout.reachesStart, layout.usersStart).every((reach) => reach === 0)).toBe(true)
  }), { numRuns: 200 })
})

it('keeps a home with a thousand users right, although it counts only 1022 of them', () => {
  const { limit } = tableOf(1, true)
  const USERS = 1034
  for (let user = 0; user < USERS; user++) expect(limit.acquire(user, 0)).toBe(true)
  for (let user = 0; user < USERS; user++) expect(limit.acquire(user, 0)).toBe(false)
  for (let user = 0; user < USERS; user++) limit.release(user, 0)
  for (let user = 0; user < USERS; user++) expect(limit.acquire(user, 0)).toBe(true)
})

it('fails loudly when a count is given back that nobody has', () => {
  const { limit } = tableOf(1)
  expect(() => { limit.release(1, 0) }).toThrow(expect.objectContaining({ code: 'invariant_broken' }))
})

it('spreads ids that differ only in their highest bits', () => {
  const { limit, layout, words } = tableOf(1)
  for (let index = 0; index < 10; index++) limit.acquire(index << 28, index << 28)
  const homes = words.subarray(layout.reachesStart, layout.usersStart).filter((reach) => reach !== 0).length
  expect(homes).toBeGreaterThan(5)
})
