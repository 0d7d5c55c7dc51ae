import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { fixturePerTest } from '../harness/fixture.ts'
import { contradictions } from '../harness/test-database.ts'

/** A crash and a second start fit into it, on a loaded machine too. */
const TTL_MS = 15_000
/** G7: what the restart may move an expiry by. */
const MOVED_MS_MAX = 50
const ENV = { SALE_ITEMS: '200', RESERVATION_TTL: `${TTL_MS}ms`, THREADS: '2', USER_LIMIT: '5' }
const fixture = fixturePerTest()

describe('codes acknowledged before kill -9', () => {
  // G7: they work until their own expiry, neither longer nor shorter; defect 10.
  test('buy after the restart until they expire, and hold item and limit till then', async () => {
    const database = await fixture.database()
    const first = await fixture.server(database, ENV)
    let client = fixture.client(first)
    const cancelled = await client.reserve(9, 100)
    const bought = await client.reserve(9, 101)
    await client.cancel(cancelled)
    await client.purchase(bought)
    const reservedAt = performance.now()
    const codes = await Promise.all([0, 1, 2, 3, 4].map((itemId) => client.reserve(1, itemId)))
    const answeredAt = performance.now()
    const before = (await client.reservation(codes[0]!)).json
    await first.crash()
    client = fixture.client(await fixture.server(database, ENV))
    expect(performance.now() - reservedAt).toBeLessThan(TTL_MS - 500)

    const after = (await client.reservation(codes[0]!)).json
    expect(after).toMatchObject({ ...before, expiresAt: expect.any(String) })
    expect(Math.abs(Date.parse(after.expiresAt) - Date.parse(before.expiresAt))).toBeLessThanOrEqual(MOVED_MS_MAX)
    expect(await client.checkout(2, 0)).toMatchObject({ reason: 'item_reserved' })
    expect(await client.checkout(1, 50)).toMatchObject({ reason: 'user_limit_reached' })
    expect((await client.purchase(codes[0]!)).status).toBe(200)
    expect((await client.cancel(codes[1]!)).status).toBe(204)
    expect((await client.checkout(1, 51)).status).toBe(200)
    expect(await client.purchase(cancelled)).toMatchObject({ status: 409, reason: 'unknown_code' })
    expect(await client.purchase(bought)).toMatchObject({ status: 409, reason: 'already_purchased' })
    expect((await client.checkout(3, 100)).status).toBe(200)
    expect(await client.checkout(3, 101)).toMatchObject({ reason: 'item_sold' })

    await sleep(reservedAt + TTL_MS - 300 - performance.now())
    const early = await client.checkout(2, 3)
    // What is answered late says nothing of it.
    if (performance.now() < reservedAt + TTL_MS - MOVED_MS_MAX) expect(early).toMatchObject({ reason: 'item_reserved' })
    else if (early.status === 200) await client.cancel(early.text)
    await sleep(answeredAt + TTL_MS + MOVED_MS_MAX - performance.now())
    expect(await client.purchase(codes[2]!)).toMatchObject({ status: 409, reason: 'reservation_expired' })
    expect((await client.checkout(2, 3)).status).toBe(200)
    expect(await contradictions(database)).toEqual([])
  })

  test('that expired while nobody served are refused, and their items are on sale', async () => {
    const database = await fixture.database()
    const env = { ...ENV, RESERVATION_TTL: '3s' }
    const first = await fixture.server(database, env)
    let client = fixture.client(first)
    const code = await client.reserve(1, 7)
    await first.crash()
    await sleep(3_100)
    client = fixture.client(await fixture.server(database, env))
    expect(await client.purchase(code)).toMatchObject({ status: 409 })
    expect((await client.reservation(code)).json.state).toBe('expired')
    expect((await client.checkout(2, 7)).status).toBe(200)
    expect(await client.sale()).toMatchObject({ sold: 0, reserved: 1 })
  })

  test('a sale keeps the terms of its row when the settings have changed', async () => {
    const database = await fixture.database()
    const env = { ...ENV, RESERVATION_TTL: '60s' }
    const first = await fixture.server(database, env)
    await fixture.client(first).reserve(1, 7)
    await first.crash()
    const second = await fixture.server(database, { ...env, SALE_ITEMS: '100', USER_LIMIT: '1' })
    expect(await fixture.client(second).sale()).toMatchObject({ items: 200, userLimit: 5, reserved: 1 })
    expect(second.logged('this sale keeps the terms')).toHaveLength(1)
  })
})
