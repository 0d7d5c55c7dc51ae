import { afterEach, beforeAll, expect, test } from 'vitest'
import { ensureSale } from '../../src/index.ts'
import { testDatabase } from '../database.ts'
import { newCode } from '../rows.ts'

const database = testDatabase()
const { client } = database
const DAY = 86_400
const SALE = Math.floor(Date.now() / 1000 / DAY) * DAY
const PARTITION = SALE / DAY
const ITEMS = 10

beforeAll(async () => {
  const startsAtMs = SALE * 1000
  await ensureSale(client, {
    saleId: SALE, startsAtMs, endsAtMs: startsAtMs + 3_600_000, itemCount: ITEMS, userLimit: 10, reservationTtlMs: 60_000, epoch: 0,
  })
  await client.query(`insert into checkouts values (${SALE}, '${newCode()}', 1, 1, now(), now());
    insert into purchases values (${SALE}, 1, 1, 1, '${newCode()}', now())`)
})

afterEach(async () => {
  await client.query('reset session_replication_role')
})

/** Ways to write one item beyond those of the sale into a table. */
const ways: Readonly<Record<string, (table: string) => string>> = {
  insert: (table) => {
    const code = newCode()
    return table.startsWith('checkouts')
      ? `insert into ${table} values (${SALE}, '${code}', ${ITEMS}, 2, now(), now())`
      : `insert into ${table} values (${SALE}, ${ITEMS}, 2, 1, '${code}', now())`
  },
  update: (table) => `update ${table} set item_id = ${ITEMS}`,
  'insert on conflict do update': (table) => `insert into ${table} select * from ${table} on conflict (sale_id, ${
    table.startsWith('checkouts') ? 'code' : 'item_id'}) do update set item_id = ${ITEMS}`,
}
const cases = Object.keys(ways).flatMap((way) => ['checkouts', 'purchases', `checkouts_p${PARTITION}`, `purchases_p${PARTITION}`]
  .flatMap((table) => ['origin', 'replica'].map((role) => [way, table, role] as const)))

test.each(cases)('no item beyond those of the sale by %s into %s as %s', async (way, table, role) => {
  await client.query(`set session_replication_role = ${role}`)
  await expect(client.query(ways[way]?.(table) ?? '')).rejects.toMatchObject({ code: '23514' })
})
