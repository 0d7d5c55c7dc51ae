import { describe, expect, test } from 'vitest'
import { PostgresProxy } from '../fault/postgres-proxy.ts'
import { fixturePerTest } from '../harness/fixture.ts'
import { until } from '../harness/until.ts'

const ENV = { SALE_ITEMS: '100', THREADS: '2' }
const fixture = fixturePerTest()

describe('an instance that is cut off from the database', () => {
  // Its reads were 200 from memory for seconds, while the standby sold. G10.
  test('answers no read of the sale once the standby is active', async () => {
    const database = await fixture.database()
    const proxy = await PostgresProxy.before(database.url)
    fixture.defer(() => proxy.close())
    const active = await fixture.server(database, { ...ENV, DATABASE_URL: proxy.url })
    const client = fixture.client(active)
    const code = await client.reserve(1, 1)
    const standby = fixture.spawn(database, ENV)
    await standby.seen('another instance is active')
    await proxy.close()
    await standby.listening()
    const reads = ['/sale', '/items', '/items/1', '/items/1/image.svg', `/reservations/${code}`]
    const statuses = await Promise.all(reads.map(async (path) => (await client.call('GET', path)).status))
    expect(statuses).toEqual(reads.map(() => 503))
    expect((await client.call('GET', '/readyz')).json.state).toBe('storage_unavailable')
    expect((await fixture.client(standby).purchase(code)).status).toBe(200)
  })

  test('serves again by itself when nobody has taken over', async () => {
    const database = await fixture.database()
    const active = await fixture.server(database, ENV)
    const client = fixture.client(active)
    const code = await client.reserve(1, 1)
    const ended = await database.query<{ pid: number }>(`
      select pid, pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name ~ '^megacache/[0-9]+/[0-9a-f]+$'`)
    expect(ended).toHaveLength(1)
    await until('it has its lease again', async () => (await client.call('GET', '/readyz')).status === 200)
    expect((await client.call('GET', `/reservations/${code}`)).json.state).toBe('reserved')
    expect((await client.purchase(code)).status).toBe(200)
    expect((await client.call('GET', '/health')).json.lease.epoch).toBe(1)
  })
})
