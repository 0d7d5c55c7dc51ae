import { beforeAll, describe, expect, test } from 'vitest'
import { openapiJson } from '../../src/http/openapi.ts'
import { fixturePerFile } from '../harness/fixture.ts'
import type { SaleClient } from '../harness/sale-client.ts'
import type { TestDatabase } from '../harness/test-database.ts'

const UNKNOWN_CODE = '00000000-0000-8000-8000-000000000000'
const fixture = fixturePerFile()
let database: TestDatabase
let client: SaleClient
let nextItem = 0
let nextUser = 1

beforeAll(async () => {
  database = await fixture.database()
  client = fixture.client(await fixture.server(database, { SALE_ITEMS: '2500', THREADS: '2' }))
})

describe('POST /checkout', () => {
  test('answers the code as 36 bytes of plain text and nothing else', async () => {
    const answer = await client.checkout(nextUser++, nextItem++)
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'content-length': '36' })
    expect(answer.text).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  test('answers an object when the client accepts JSON', async () => {
    const itemId = nextItem++
    const user = '-9223372036854775808'
    const before = Date.now()
    const answer = await client.call('POST', `/checkout?user_id=${user}&item_id=${itemId}`, { headers: { accept: 'application/json' } })
    const { saleId } = await client.sale()
    expect(answer).toMatchObject({ status: 200, json: { saleId, itemId, userId: user } })
    expect(Date.parse(answer.json.expiresAt) - before).toBeGreaterThan(59_000)
    expect(Date.parse(answer.json.expiresAt) - before).toBeLessThan(63_000)
  })

  test('takes id for item_id, and item_id before id', async () => {
    const [first, second] = [nextItem++, nextItem++]
    const code = (await client.call('POST', `/checkout?user_id=${nextUser++}&id=${first}`)).text
    expect((await client.reservation(code)).json.itemId).toBe(first)
    const other = (await client.call('POST', `/checkout?id=${first}&user_id=${nextUser++}&item_id=${second}`)).text
    expect((await client.reservation(other)).json.itemId).toBe(second)
  })

  test('refuses what is reserved, what is sold and what is above the limit with the reason', async () => {
    const itemId = nextItem++
    const code = await client.reserve(nextUser++, itemId)
    expect(await client.checkout(nextUser++, itemId)).toMatchObject({ status: 409, reason: 'item_reserved' })
    await client.purchase(code)
    expect(await client.checkout(nextUser++, itemId)).toMatchObject({ status: 409, reason: 'item_sold' })
    const user = nextUser++
    for (let count = 0; count < 10; count++) await client.reserve(user, nextItem++)
    expect(await client.checkout(user, nextItem++)).toMatchObject({ status: 409, reason: 'user_limit_reached' })
  })
})

describe('POST /purchase', () => {
  test('sells the item once and says so the second time', async () => {
    const code = await client.reserve(nextUser++, nextItem++)
    expect(await client.purchase(code)).toMatchObject({ status: 200 })
    expect(await client.purchase(code)).toMatchObject({ status: 409, reason: 'already_purchased' })
    expect(await database.query('select code::text from purchases where code = $1', [code])).toEqual([{ code }])
  })

  test('refuses a well-formed code that nobody has been given', async () => {
    expect(await client.purchase(UNKNOWN_CODE)).toMatchObject({ status: 409, reason: 'unknown_code' })
    const { saleId } = await client.sale()
    const ofThisSale = `${saleId.toString(16).padStart(8, '0')}-0000-8000-8000-000000000001`
    expect(await client.purchase(ofThisSale)).toMatchObject({ status: 409, reason: 'unknown_code' })
  })
})

describe('/reservations/<code>', () => {
  test('tells what has become of a reservation, in memory and in the database', async () => {
    const [user, itemId] = [nextUser++, nextItem++]
    const code = await client.reserve(user, itemId)
    const { saleId } = await client.sale()
    const known = { code, saleId, itemId, userId: String(user) }
    expect(await client.reservation(code)).toMatchObject({ status: 200, json: { ...known, state: 'reserved' } })
    expect(await client.reservation(code.toUpperCase())).toMatchObject({ status: 200, json: known })
    expect(await client.cancel(code)).toMatchObject({ status: 204, text: '' })
    expect(await client.reservation(code)).toMatchObject({ status: 200, json: { ...known, state: 'cancelled' } })
  })

  test('answers 404 for a code that nobody has been given', async () => {
    expect(await client.reservation(UNKNOWN_CODE)).toMatchObject({ status: 404, reason: 'not_found' })
    expect(await client.cancel(UNKNOWN_CODE)).toMatchObject({ status: 409, reason: 'unknown_code' })
  })

  test('a cancelled reservation cannot be cancelled or purchased again, and its item is free', async () => {
    const itemId = nextItem++
    const code = await client.reserve(nextUser++, itemId)
    await client.cancel(code)
    expect(await client.cancel(code)).toMatchObject({ status: 409, reason: 'unknown_code' })
    expect(await client.purchase(code)).toMatchObject({ status: 409, reason: 'unknown_code' })
    expect((await client.checkout(nextUser++, itemId)).status).toBe(200)
  })

  test('a purchase cannot be cancelled', async () => {
    const code = await client.reserve(nextUser++, nextItem++)
    await client.purchase(code)
    expect(await client.cancel(code)).toMatchObject({ status: 409, reason: 'already_purchased' })
  })
})

describe('reading', () => {
  test('GET /sale counts', async () => {
    const before = await client.sale()
    const code = await client.reserve(nextUser++, nextItem++)
    const reserved = await client.sale()
    await client.purchase(code)
    const after = await client.sale()
    const { items, sold, reserved: reservedBefore, available } = before
    expect(items).toBe(2_500)
    expect(reserved).toMatchObject({ sold, reserved: reservedBefore + 1, available: available - 1 })
    expect(after).toMatchObject({ sold: sold + 1, reserved: reservedBefore, available: available - 1 })
    expect(before.saleId * 1000).toBe(Date.parse(before.startsAt))
    expect(before.nextOpensAt).toBe(before.endsAt)
    expect(before).toMatchObject({ userLimit: 10, reservationTtlMs: 60_000 })
  })

  test('GET /items gives pages to the end and no further', async () => {
    const page = async (query: string) => (await client.call('GET', `/items${query}`)).json
    expect((await page('')).items).toHaveLength(100)
    const seen: number[] = []
    for (let from: number | null = 0; from !== null; from = (await page(`?from=${from}&limit=1000`)).nextFrom) {
      seen.push(...(await page(`?from=${from}&limit=1000`)).items.map((item: { itemId: number }) => item.itemId))
    }
    expect(seen).toEqual(Array.from({ length: 2_500 }, (_, itemId) => itemId))
    expect(await page('?from=2500')).toMatchObject({ items: [], nextFrom: null, total: 2_500 })
    expect(await page('?from=2147483647')).toMatchObject({ items: [], nextFrom: null })
  })

  test.each(['?limit=0', '?limit=1001', '?limit=-1', '?limit=', '?from=-1', '?from=x', '?from=1e3', '?limit=5.0'])(
    'GET /items%s is refused', async (query) => {
      const answer = await client.call('GET', `/items${query}`)
      expect(answer).toMatchObject({ status: 400, reason: 'invalid_parameter', json: { parameter: query.slice(1).split('=')[0] } })
    })

  test('GET /items/<id> shows the state, and a picture', async () => {
    const itemId = nextItem++
    const state = async () => (await client.call('GET', `/items/${itemId}`)).json.state
    expect(await state()).toBe('available')
    const code = await client.reserve(nextUser++, itemId)
    expect(await state()).toBe('reserved')
    await client.purchase(code)
    expect(await state()).toBe('sold')
    const item = (await client.call('GET', `/items/${itemId}`)).json
    expect(item.name).toBe(`Item ${String(itemId).padStart(4, '0')}`)
    const image = await client.call('GET', item.image)
    expect(image).toMatchObject({ status: 200, headers: { 'content-type': 'image/svg+xml' } })
    expect(image.text).toMatch(/^<svg .*<\/svg>$/)
    const [row] = await database.query('select item_name, image_url, purchased from sale_items where item_id = $1', [itemId])
    expect(row).toEqual({ item_name: item.name, image_url: item.image, purchased: true })
  })

  test.each(['/items/2500', '/items/-1', '/items/x', '/items/', '/items/1/', '/items/1/image.png', '/items//image.svg', '/items/2500/image.svg'])(
    'GET %s does not exist', async (path) => {
      expect(await client.call('GET', path)).toMatchObject({ status: 404, reason: 'not_found' })
    })

  test('GET /livez, /readyz and /health say that it serves', async () => {
    expect(await client.call('GET', '/livez')).toMatchObject({ status: 200 })
    expect(await client.call('GET', '/readyz')).toMatchObject({ status: 200, json: { state: 'active' } })
    const { saleId } = await client.sale()
    expect(await client.call('GET', '/health')).toMatchObject({
      status: 200, json: { state: 'active', database: { state: 'connected' }, lease: { epoch: 1 }, sale: { saleId } },
    })
  })

  test('GET /openapi.json is the document that all answers here are held against', async () => {
    const answer = await client.call('GET', '/openapi.json')
    expect(answer.status).toBe(200)
    expect(answer.text).toBe(openapiJson)
  })
})
