import { beforeAll, describe, expect, test } from 'vitest'
import { fixturePerFile } from '../harness/fixture.ts'
import { readMetrics } from '../harness/metrics.ts'
import type { TestDatabase } from '../harness/test-database.ts'

const TOKEN = 'a-token-of-enough-length'
const fixture = fixturePerFile()
let database: TestDatabase

beforeAll(async () => {
  database = await fixture.database()
})

describe('the admin port', () => {
  test('gives the figures of what has happened', async () => {
    const server = await fixture.server(database, { SALE_ITEMS: '100', THREADS: '2', USER_LIMIT: '3' })
    const client = fixture.client(server)
    const codes = await Promise.all([0, 1, 2].map((itemId) => client.reserve(7, itemId)))
    await client.checkout(7, 3)
    await client.purchase(codes[0]!)
    await client.purchase(codes[0]!)
    await client.call('GET', '/nowhere')
    const metrics = await readMetrics(server)
    const { saleId } = await client.sale()
    const sale = `sale="${saleId}"`
    expect(metrics.get(`megacache_items{${sale},state="sold"}`)).toBe(1)
    expect(metrics.get(`megacache_items{${sale},state="reserved"}`)).toBe(2)
    expect(metrics.get(`megacache_items{${sale},state="available"}`)).toBe(97)
    expect(metrics.get(`megacache_refusals_total{${sale},reason="user_limit_reached"}`)).toBe(1)
    expect(metrics.get('megacache_http_answers_total{status="409"}')).toBe(2)
    expect(metrics.get('megacache_http_problems_total{reason="not_found"}')).toBe(1)
    expect(metrics.get('megacache_batch_rows_total{writer="checkout"}')).toBe(3)
    expect(metrics.get('megacache_batch_rows_total{writer="purchase"}')).toBe(1)
    expect(metrics.get('megacache_instance_state{state="active"}')).toBe(1)
    expect(metrics.get('megacache_unsafe_database')).toBe(await isUnsafe() ? 1 : 0)
    expect(metrics.get('megacache_storage_available_threads')).toBe(2)
    expect(metrics.get('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
    expect((await fetch(`${server.adminUrl}/nowhere`)).status).toBe(404)
    const post = await fetch(`${server.adminUrl}/metrics`, { method: 'POST' })
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect((await client.call('GET', '/metrics')).status).toBe(404)
    expect((await server.stop()).code).toBe(0)
  })

  test('wants the token when there is one', async () => {
    const server = await fixture.server(database, { SALE_ITEMS: '100', ADMIN_TOKEN: TOKEN })
    const ask = (authorization?: string): Promise<Response> =>
      fetch(`${server.adminUrl}/metrics`, authorization === undefined ? {} : { headers: { authorization } })
    for (const wrong of [undefined, '', TOKEN, `Bearer ${TOKEN.slice(1)}x`, `Bearer ${TOKEN} `.slice(0, -2), `bearer: ${TOKEN}`]) {
      const answer = await ask(wrong)
      expect([answer.status, answer.headers.get('www-authenticate'), await answer.text()]).toEqual([401, 'Bearer', ''])
    }
    expect((await ask(`Bearer ${TOKEN}`)).status).toBe(200)
    expect(JSON.stringify(server.logs)).not.toContain(TOKEN)
  })

  test('beyond loopback without a token is refused before anything starts', async () => {
    const server = fixture.spawn(database, { ADMIN_HOST: '0.0.0.0' })
    expect((await server.exited).code).toBe(2)
    expect(server.stderrLines).toEqual([expect.stringMatching(/^megacache: ADMIN_TOKEN must have 16 characters/)])
  })
})

async function isUnsafe(): Promise<boolean> {
  const [row] = await database.query<{ unsafe: boolean }>(`
    select 'off' in (current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit')) as unsafe`)
  return row?.unsafe === true
}
