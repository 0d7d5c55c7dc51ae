import { describe, expect, test } from 'vitest'
import { fixturePerTest } from '../harness/fixture.ts'
import { contradictions } from '../harness/test-database.ts'

const ENV = { SALE_ITEMS: '100', THREADS: '2' }
const fixture = fixturePerTest()

describe('a second instance on one database', () => {
  test('waits, says so, and is active about a second after the first was killed, with all codes', async () => {
    const database = await fixture.database()
    const first = await fixture.server(database, ENV)
    const code = await fixture.client(first).reserve(1, 5)
    const second = fixture.spawn(database, ENV)
    const waiting = await second.seen('another instance is active')
    expect(waiting).toMatchObject({ epoch: 1, holder: first.logged('lease acquired')[0]?.['instanceId'] })
    expect(second.logged('listening on')).toEqual([])
    expect((await fixture.client(first).checkout(1, 6)).status).toBe(200)

    const killedAt = performance.now()
    await first.crash()
    await second.seen('listening on', 10_000)
    // By silence alone it would take five seconds. The promised one: two-instances.test.ts.
    expect(performance.now() - killedAt).toBeLessThan(4_500)
    const client = fixture.client(second)
    expect((await client.call('GET', '/health')).json.lease.epoch).toBe(2)
    expect((await client.purchase(code)).status).toBe(200)
    expect(await client.sale()).toMatchObject({ sold: 1, reserved: 1 })
    expect(second.logged('another instance is active')).toHaveLength(1)
    expect(await contradictions(database)).toEqual([])
  })

  test('takes over when the first ends in order, and a standby that is told to end does so at once', async () => {
    const database = await fixture.database()
    const first = await fixture.server(database, ENV)
    const second = fixture.spawn(database, ENV)
    const third = fixture.spawn(database, ENV)
    await Promise.all([second.seen('another instance is active'), third.seen('another instance is active')])
    const askedAt = performance.now()
    expect(await third.stop()).toEqual({ code: 0, signal: null })
    expect(performance.now() - askedAt).toBeLessThan(4_000)
    expect((await first.stop()).code).toBe(0)
    await second.seen('listening on', 10_000)
    expect((await second.stop()).code).toBe(0)
  })

  // G10: however long the first was paused, only the second answers 200.
  test('fences a first one that was paused: it answers no more and ends by itself', async () => {
    const database = await fixture.database()
    const first = await fixture.server(database, ENV)
    const paused = fixture.client(first)
    const code = await paused.reserve(1, 5)
    const second = fixture.spawn(database, ENV)
    await second.seen('another instance is active')
    first.signal('SIGSTOP')
    fixture.defer(() => first.signal('SIGCONT'))
    // Sent while it sleeps: it will read them when it wakes up.
    const late = [paused.purchase(code), paused.checkout(1, 6)].map((call) => call.then(({ status }) => status, () => 0))
    await second.seen('listening on', 15_000)
    const client = fixture.client(second)
    const other = await client.reserve(2, 6)
    expect((await client.purchase(other)).status).toBe(200)
    first.signal('SIGCONT')
    expect((await first.exited).code).toBe(75)
    expect(first.logged('another instance has taken over')).toHaveLength(1)
    for (const status of await Promise.all(late)) expect([0, 503]).toContain(status)
    expect((await client.purchase(code)).status).toBe(200)
    expect(await contradictions(database)).toEqual([])
  })
})
