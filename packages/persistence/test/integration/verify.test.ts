import { beforeEach, describe, expect, test } from 'vitest'
import { type InconsistencyKind, verifySale } from '../../src/index.ts'
import { testDatabase } from '../database.ts'
import { newCode } from '../rows.ts'

const { client } = testDatabase()
const SALE = 1_700_000_000

/** Seconds after the start of the sale, as a SQL value. */
const at = (seconds: number): string => `to_timestamp(${SALE + seconds})`

async function checkout(row: {
  item: number, user?: number, code?: string, from?: number, to?: number, cancelled?: number,
}): Promise<string> {
  const { item, user = 1, code = newCode(), from = 0, to = 60, cancelled } = row
  await client.query(`insert into checkouts values (${SALE}, $1, $2, $3, ${at(from)}, ${at(to)},
    ${cancelled === undefined ? 'null' : at(cancelled)})`, [code, item, user])
  return code
}

/** The code as PostgreSQL prints it. */
const dashed = (code: string): string => code.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

async function purchase(item: number, code: string, user: number = 1, ordinal: number = item + 1): Promise<void> {
  await client.query(`insert into purchases values (${SALE}, $1, $2, $3, $4, ${at(30)})`, [item, user, ordinal, code])
}

async function kinds(): Promise<InconsistencyKind[]> {
  return (await verifySale(client, SALE)).map(({ kind }) => kind).toSorted()
}

/** Takes the constraints of the tables away, as only a broken server or an intruder could. */
async function dropConstraints(): Promise<void> {
  await client.query(`alter table purchases drop constraint if exists purchases_pkey;
    alter table purchases drop constraint if exists purchases_sale_id_user_id_user_ordinal_key;
    alter table checkouts drop constraint if exists checkouts_item_id_check`)
}

beforeEach(async () => {
  await client.query(`truncate sales, checkouts, purchases;
    alter table checkouts disable trigger user; alter table purchases disable trigger user`)
  await client.query(`select megacache_ensure_sale(0, ${SALE}, ${at(0)}, ${at(3600)}, 20, 3, 60000)`)
})

describe('a sale in order', () => {
  test('has no inconsistency', async () => {
    for (let item = 0; item < 3; item += 1) await purchase(item, await checkout({ item }))
    // The same item again, after expiry and after a cancel; the limit again, after others have ended.
    await checkout({ item: 10, user: 2, from: 0, to: 60 })
    await checkout({ item: 10, user: 2, from: 60, to: 120, cancelled: 70 })
    await checkout({ item: 10, user: 2, from: 70, to: 130 })
    await checkout({ item: 11, user: 2, from: 60, to: 120 })
    await checkout({ item: 12, user: 2, from: 70, to: 130 })
    expect(await verifySale(client, SALE)).toEqual([])
  })

  test('may have a reservation that was written only after it had expired', async () => {
    await checkout({ item: 10, user: 2, from: 60, to: 120 })
    await checkout({ item: 10, user: 3, from: 70, to: 59 })
    expect(await verifySale(client, SALE)).toEqual([])
  })
})

describe('an inconsistency is listed:', () => {
  test('a sale that does not exist', async () => {
    expect(await verifySale(client, 5)).toEqual([{ kind: 'sale_unknown', evidence: { saleId: 5 } }])
  })

  test('a purchase without a checkout', async () => {
    const code = await checkout({ item: 1 })
    await purchase(1, code)
    await client.query('truncate checkouts')
    expect(await verifySale(client, SALE)).toMatchObject([
      { kind: 'purchase_without_checkout', evidence: { itemId: 1, userId: '1' } }])
  })

  test('a purchase of another item or by another user than its checkout', async () => {
    await purchase(1, await checkout({ item: 2 }))
    await purchase(3, await checkout({ item: 3, user: 2 }), 1, 3)
    expect(await kinds()).toEqual(['purchase_differs_from_checkout', 'purchase_differs_from_checkout'])
  })

  test('a purchase of a cancelled checkout', async () => {
    await purchase(1, await checkout({ item: 1, cancelled: 10 }))
    expect(await kinds()).toEqual(['purchase_of_cancelled_checkout'])
  })

  test('a code that bought two items', async () => {
    const code = await checkout({ item: 1 })
    await purchase(1, code)
    await purchase(2, code)
    expect(await kinds()).toEqual(['code_bought_twice', 'purchase_differs_from_checkout'])
  })

  test('a user above the limit, and an ordinal above it', async () => {
    for (let item = 0; item < 4; item += 1) await purchase(item, await checkout({ item, from: 70 * item, to: 70 * item + 60 }))
    expect(await kinds()).toEqual(['ordinal_above_limit', 'user_above_limit', 'user_above_limit_at_once'])
  })

  test('an item outside the sale', async () => {
    await checkout({ item: 20 })
    expect(await kinds()).toEqual(['item_out_of_range'])
  })

  test('more purchases than items', async () => {
    for (let item = 0; item < 21; item += 1) await purchase(item, await checkout({ item, user: item }), item, 1)
    expect(await kinds()).toEqual(['item_out_of_range', 'more_purchases_than_items'])
  })

  test('two live reservations of one item at one time', async () => {
    await checkout({ item: 1, from: 0, to: 60 })
    const code = await checkout({ item: 1, user: 2, from: 59, to: 119 })
    expect(await verifySale(client, SALE)).toMatchObject([
      { kind: 'reservations_overlap', evidence: { itemId: 1, code: dashed(code) } }])
  })

  test('a reservation of an item that is sold', async () => {
    await purchase(1, await checkout({ item: 1, from: 0, to: 60 }))
    await checkout({ item: 1, user: 2, from: 200, to: 260 })
    expect(await kinds()).toEqual(['reservations_overlap'])
  })

  test('more reservations of a user at one time than the limit', async () => {
    for (let item = 0; item < 4; item += 1) await checkout({ item, user: 9, from: item, to: 60 })
    expect(await verifySale(client, SALE)).toMatchObject([
      { kind: 'user_above_limit_at_once', evidence: { userId: '9', owned: 4, userLimit: 3 } }])
  })

  test('a reservation longer than the time to live', async () => {
    await checkout({ item: 1, from: 0, to: 61 })
    expect(await kinds()).toEqual(['reservation_too_long'])
  })
})

// Last: these take the constraints of this file's database away.
describe('without the constraints of the tables an inconsistency is listed:', () => {
  test('an item bought twice', async () => {
    await dropConstraints()
    await purchase(1, await checkout({ item: 1, from: 0, to: 60 }), 1, 1)
    await purchase(1, await checkout({ item: 1, user: 2, from: 60, to: 120 }), 2, 1)
    expect(await kinds()).toEqual(['item_bought_twice', 'reservations_overlap'])
  })

  test('an ordinal given twice', async () => {
    await dropConstraints()
    await purchase(1, await checkout({ item: 1 }), 1, 1)
    await purchase(2, await checkout({ item: 2 }), 1, 1)
    expect(await kinds()).toEqual(['ordinal_repeated'])
  })

  test('a negative item', async () => {
    await dropConstraints()
    await checkout({ item: -1 })
    expect(await kinds()).toEqual(['item_out_of_range'])
  })
})
