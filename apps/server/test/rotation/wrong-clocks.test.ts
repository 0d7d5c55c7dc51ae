import { describe, expect, test } from 'vitest'
import { RareQueries } from '../../src/rare-queries.ts'
import { SteadyTime } from '../../src/steady-time.ts'
import { SaleBook } from '../../src/supervisor/sale-book.ts'
import { fixturePerTest } from '../harness/fixture.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { contradictions, type TestDatabase } from '../harness/test-database.ts'

const fixture = fixturePerTest()
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** About a day, and its end far enough that no sale ends by chance. */
const PERIOD_HOURS = [24, 23, 22].find((hours) => hours * HOUR_MS - Date.now() % (hours * HOUR_MS) > HOUR_MS) ?? 21

/** A server whose host's clock is wrong, in all of its threads. */
function serverAt(database: TestDatabase, shiftMs: number, env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
  const preload = `data:text/javascript,const now = Date.now.bind(Date); Date.now = () => now() + ${shiftMs}`
  return fixture.server(database, { THREADS: '1', SALE_ITEMS: '10', ...env }, { nodeArgs: [`--import=${preload}`] })
}

const saleIds = (server: ServerProcess): number[] => server.logged('sale opened').map(({ saleId }) => Number(saleId))

describe('with the clock of the host wrong and that of the database right', () => {
  test.each([31, -31])('by %i days, no sale is dropped, none of another time opens, and the one that is open goes on', async (days) => {
    const database = await fixture.database()
    const env = { RETENTION: '30d', SALE_PERIOD: `${PERIOD_HOURS}h` }
    const first = await serverAt(database, 0, env)
    const client = fixture.client(first)
    expect((await client.purchase(await client.reserve(1, 3))).status).toBe(200)
    const held = await client.reserve(1, 4)
    expect((await first.crash()).signal).toBe('SIGKILL')
    const next = await serverAt(database, days * DAY_MS, env)
    const again = fixture.client(next)
    expect((await again.checkout(2, 3)).reason).toBe('item_sold')
    expect((await again.purchase(held)).status).toBe(200)
    expect(saleIds(next)).toEqual(saleIds(first))
    expect(await database.query('select item_id from purchases order by 1')).toEqual([{ item_id: 3 }, { item_id: 4 }])
    expect(await database.query('select count(*)::int as sales from sales')).toEqual([{ sales: 1 }])
    expect(await contradictions(database)).toEqual([])
  })

  test('by as much as an ended sale is ago, that sale is not opened again', async () => {
    const database = await fixture.database()
    const env = { SALE_PERIOD: '10s', RESERVATION_TTL: '1s' }
    const first = await serverAt(database, 0, env)
    const client = fixture.client(first)
    expect((await client.purchase(await client.reserve(1, 3))).status).toBe(200)
    expect((await first.crash()).signal).toBe('SIGKILL')
    // Three minutes pass.
    const moved = await database.query<{ id: number }>(`update sales set sale_id = sale_id - 180, starts_at = starts_at - interval '180 s',
      ends_at = ends_at - interval '180 s', honoured_until = honoured_until - interval '180 s' returning sale_id::int as id`)
    for (const table of ['checkouts', 'purchases']) await database.query(`update ${table} set sale_id = sale_id - 180`)
    const newest = Math.max(...moved.map(({ id }) => id))
    const next = await serverAt(database, -180_000, env)
    expect(saleIds(next).every((id) => id > newest)).toBe(true)
    expect((await fixture.client(next).sale()).saleId).toBeGreaterThan(newest)
    expect(next.exit).toBeUndefined()
  })
})

test('a sale that has a row is loaded with its rows, whoever asks for it', async () => {
  const database = await fixture.database()
  const server = await serverAt(database, 0)
  const client = fixture.client(server)
  expect((await client.purchase(await client.reserve(1, 3))).status).toBe(200)
  await client.reserve(1, 4)
  const { saleId } = await client.sale() as { saleId: number }
  expect((await server.stop()).code).toBe(0)
  const [row] = await database.query<{ epoch: number, startsAtMs: number, endsAtMs: number }>(`select (select epoch::int from lease),
    extract(epoch from starts_at)::float8 * 1000 as "startsAtMs", extract(epoch from ends_at)::float8 * 1000 as "endsAtMs" from sales where sale_id = ${saleId}`)
  const queries = new RareQueries(database.url, 'megacache/test', 1)
  fixture.defer(() => queries.close())
  const book = new SaleBook(queries, row?.epoch ?? 0, { itemCount: 10, userLimit: 10, reservationTtlMs: 60_000 }, new SteadyTime())
  const { engine } = await book.prepare({ saleId, startsAtMs: row?.startsAtMs ?? 0, endsAtMs: row?.endsAtMs ?? 0 })
  expect(engine.stats()).toMatchObject({ sold: 1, reserved: 1, available: 8 })
})
