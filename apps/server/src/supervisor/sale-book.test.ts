import { formatCheckoutCode, Megacache } from 'megacache'
import { expect, test } from 'vitest'
import type { RareQueries } from '../rare-queries.ts'
import { SaleBook } from './sale-book.ts'

const TTL_MS = 10_000
const EXPIRES_MS = 68_000

test('recovery counts what is left of a reservation when it restores it, however long it read', async () => {
  let nowMs = 60_000
  const time = { monotonicMs: () => nowMs, wallMs: () => nowMs }
  const origin = Megacache.create({ saleId: 60, items: 2, userLimit: 1, reservationTtlMs: TTL_MS, clock: time })
  const pending = origin.tryCheckout(7n, 1)
  if (!pending.ok) throw new Error(pending.reason)
  const reservation = { itemId: 1, userId: '7', code: formatCheckoutCode(pending), expiresAtMs: EXPIRES_MS, remainingMs: EXPIRES_MS - nowMs }
  const terms = { saleId: 60, startsAtMs: 60_000, endsAtMs: 120_000, itemCount: 2, userLimit: 1, reservationTtlMs: TTL_MS }
  const client = {
    query: async (text: string) => {
      if (text.includes('clock_timestamp()) * 1000)::float8 as')) return { rows: [{ ms: nowMs }] }
      if (text.includes('"nowMs"')) return { rows: [{ nowMs }] }
      if (text.includes('honoured_until')) return { rows: [terms] }
      if (text.includes('distinct on')) return { rows: [reservation] }
      // A large sale: its purchases take three seconds.
      if (text.includes('from purchases')) nowMs += 3_000
      return { rows: [] }
    },
  }
  const queries = { run: (task: (one: typeof client) => unknown) => task(client) } as unknown as RareQueries
  const book = new SaleBook(queries, 1, { itemCount: 2, userLimit: 1, reservationTtlMs: TTL_MS }, time)
  expect(await book.recover()).toMatchObject({ sales: 1, reservations: 1 })
  expect(book.all()[0]!.engine.snapshot().reservations[0]!.remainingMs).toBe(EXPIRES_MS - nowMs)
})
