import { runSellOut } from '@megacache/loadgen'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { saleIdOf } from '../harness/constant-load.ts'
import { fixturePerTest } from '../harness/fixture.ts'
import { answersOf, expectTrueLedger } from '../harness/ledger-check.ts'
import { contradictions, endServerSessions } from '../harness/test-database.ts'
import { until } from '../harness/until.ts'

const fixture = fixturePerTest()

describe('database sessions', () => {
  // Defect 18: 1,700 + 412 x 500 and then 18,700 x 409; also 3 and 4, and G8.
  test('that are ended again and again during a sell-out cost no answer and no item', async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, { SALE_ITEMS: '6000', THREADS: '2' })
    const run = runSellOut({ url: server.url, connections: 64, users: 700, durationMs: 40_000 })
    let ended = 0
    const over = { is: false }
    const note = (): void => { over.is = true }
    run.then(note, note).catch(() => {})
    while (ended < 18 && !over.is) {
      await sleep(120)
      ended += await endServerSessions(database)
    }
    const result = await run
    expect(ended).toBeGreaterThan(8)
    expect(result).toMatchObject({ ended: 'sold_out', purchasedCount: 6_000, soldByOthersCount: 0, abandonedCount: 0 })
    for (const status of [0, 500]) expect(answersOf(result, status), `status ${status}`).toEqual({})
    expect(Object.keys(answersOf(result, 409)).filter((key) => key.includes('already'))).toEqual([])
    const { checked } = await expectTrueLedger(database, result.history)
    expect(checked.purchaseRows).toBe(6_000)
    expect(await fixture.client(server).sale()).toMatchObject({ sold: 6_000, reserved: 0 })
    expect(server.exit).toBeUndefined()
    expect(server.logged('database connection lost').length).toBeGreaterThan(0)
    expect((await server.stop()).code).toBe(0)
  })

  test('that is ended in the middle of a look-up costs that request a 503, and not the process', async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, { SALE_PERIOD: '2s', SALE_ITEMS: '10', RESERVATION_TTL: '1s', THREADS: '1' })
    const client = fixture.client(server)
    const code = await client.reserve(1, 1)
    await until('the sale of the code is retired', () => server.logs.some(({ msg, saleId }) => msg === 'sale retired' && saleId === saleIdOf(code)))
    const holder = await database.hold('lock table checkouts in access exclusive mode')
    const lookup = client.reservation(code)
    await until('the look-up waits for the lock', async () => (await database.query(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%purchased%'`)).length > 0)
    await endServerSessions(database)
    expect(await lookup).toMatchObject({ status: 503, reason: 'storage_unavailable' })
    await holder.release()
    await until('the look-up works again', async () => (await client.reservation(code)).status === 200)
    expect((await client.reservation(code)).json.state).toBe('expired')
    expect(server.exit).toBeUndefined()
  })

  // Spec 5.5: the client's answer at its deadline, and the later try of that code that learns the outcome.
  test('that waits for a lock: 503 after five seconds, and a later try of the code has its purchase', async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, { SALE_ITEMS: '10', THREADS: '2', USER_LIMIT: '2' })
    const client = fixture.client(server)
    const [code, other] = [await client.reserve(1, 1), await client.reserve(1, 2)]
    const holder = await database.hold('lock table purchases in access exclusive mode')
    const first = await client.purchase(code)
    expect(first).toMatchObject({ status: 503, reason: 'storage_unavailable', headers: { 'retry-after': '1' } })
    expect(first.tookMs).toBeGreaterThan(4_700)
    // Without a deadline of its own the statement's time-out of eight seconds would answer.
    expect(first.tookMs).toBeLessThan(7_700)
    expect((await client.reservation(code)).json.state).toBe('purchasing')
    expect(await client.cancel(code)).toMatchObject({ status: 409, reason: 'reservation_busy' })
    const later = Promise.all([client.purchase(code), client.purchase(code), client.purchase(code)])
    await sleep(300)
    await holder.release()
    // The one purchase is acknowledged at most once.
    const statuses = (await later).map(({ status, reason }) => `${status} ${reason ?? ''}`).toSorted()
    expect(statuses.slice(1)).toEqual(['409 already_purchased', '409 already_purchased'])
    expect(['200 ', '409 already_purchased']).toContain(statuses[0])
    expect((await client.purchase(other)).status).toBe(200)
    expect(await database.query('select item_id from purchases order by 1')).toEqual([{ item_id: 1 }, { item_id: 2 }])
    expect(await client.sale()).toMatchObject({ sold: 2, reserved: 0 })
    expect(await contradictions(database)).toEqual([])
  })

  // Definite: nothing was written. Defect 2: the roll-back did nothing and items stayed blocked for seconds.
  test('that may only read: 503 at once, nothing stays reserved, and it heals', async () => {
    const database = await fixture.database()
    const server = await fixture.server(database, { SALE_ITEMS: '10', THREADS: '1', USER_LIMIT: '1' })
    const client = fixture.client(server)
    const code = await client.reserve(1, 1)
    await database.query(`alter database ${database.name} set default_transaction_read_only = on`)
    await endServerSessions(database)
    await until('writes are refused', async () => (await client.checkout(2, 2)).status === 503)
    for (let attempt = 0; attempt < 5; attempt++) {
      const answer = await client.checkout(2, 2)
      expect(answer).toMatchObject({ status: 503, reason: 'storage_unavailable' })
    }
    expect(await client.purchase(code)).toMatchObject({ status: 503, reason: 'storage_unavailable' })
    await database.query(`begin read write; alter database ${database.name} set default_transaction_read_only = off; commit`)
    await endServerSessions(database)
    await until('writes are taken', async () => (await client.checkout(2, 2)).status === 200)
    expect((await client.purchase(code)).status).toBe(200)
    expect(await client.sale()).toMatchObject({ sold: 1, reserved: 1 })
    expect(await contradictions(database)).toEqual([])
  })
})
