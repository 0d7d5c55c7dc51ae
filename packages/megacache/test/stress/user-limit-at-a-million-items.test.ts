import { expect, it } from 'vitest'
import { Megacache, type Refusal } from '../../src/index.ts'
import { ManualClock } from '../../src/testing/index.ts'

const ITEMS = 1_048_576
const LIMIT = 10
const TTL_MS = 60_000
const EXACT_WITHIN_MS = 25

const saleAt = (clock: ManualClock): Megacache => Megacache.create({ items: ITEMS, userLimit: LIMIT, reservationTtlMs: TTL_MS, clock })
/** Ten items all over the sale. */
const fill = (sale: Megacache, user: number): void => {
  for (let item = 0; item < LIMIT; item++) expect(sale.checkout(user, item * 104_729 + user).ok).toBe(true)
}
const reasonOf = (answer: { ok: true } | Refusal): string => answer.ok ? 'reserved' : answer.reason

it('finds out within 25 ms that a user is no longer at the limit, although others ask all the time', () => {
  const clock = new ManualClock()
  const sale = saleAt(clock)
  const users = Array.from({ length: 20 }, (_, index) => index + 1)
  for (const user of users) {
    fill(sale, user)
    clock.advance(3)
  }
  clock.advance(TTL_MS - 3 * users.length)
  const askedAgain = new Map<number, number>()
  // Now user 1 runs out, 3 ms later user 2, and so on. Each is refused until it is found out, and asks every millisecond.
  for (let ms = 0; ms <= 3 * users.length + EXACT_WITHIN_MS; ms++) {
    for (const user of users) {
      const expiresMs = 3 * (user - 1)
      if (askedAgain.has(user)) continue
      const told = reasonOf(sale.checkout(user, ITEMS - user))
      if (ms < expiresMs) expect(told).toBe('user_limit_reached')
      else if (told === 'reserved') askedAgain.set(user, ms - expiresMs)
    }
    clock.advance(1)
  }
  expect([...askedAgain.keys()]).toEqual(users)
  expect(Math.max(...askedAgain.values())).toBeLessThanOrEqual(EXACT_WITHIN_MS)
  expect(sale.audit()).toEqual([])
}, 30_000)

it('does not look at every item for it', () => {
  const clock = new ManualClock()
  const sale = saleAt(clock)
  fill(sale, 1)
  const fastest = (act: () => void): number => Math.min(...Array.from({ length: 5 }, () => {
    const startMs = performance.now()
    act()
    return performance.now() - startMs
  }))
  const look = fastest(() => {
    clock.advance(1000)
    expect(reasonOf(sale.checkout(1, ITEMS - 1))).toBe('user_limit_reached')
  })
  const scan = fastest(() => { expect(sale.sweep(ITEMS - 1)).toBe(0) })
  expect(look).toBeLessThan(scan / 5)
}, 30_000)
