import { beforeAll, describe, expect, test } from 'vitest'
import { fixturePerFile } from '../harness/fixture.ts'
import type { SaleClient } from '../harness/sale-client.ts'
import type { TestDatabase } from '../harness/test-database.ts'

const fixture = fixturePerFile()
let database: TestDatabase
let client: SaleClient
let nextItem = 0

beforeAll(async () => {
  database = await fixture.database()
  client = fixture.client(await fixture.server(database, { SALE_ITEMS: '2000', THREADS: '1' }))
})

describe('user_id', () => {
  // Defect 1: an id of 2^31 or more failed a whole batch.
  test('ids at the edges of 32, 53 and 64 bits are reserved, purchased and kept exactly, in one batch', async () => {
    const users = [
      2n ** 31n - 1n, 2n ** 31n, -(2n ** 31n), 2n ** 32n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), -1n, 0n,
    ]
    const firstItem = nextItem
    nextItem += users.length
    const codes = await Promise.all(users.map((user, index) => client.reserve(user, firstItem + index)))
    const purchases = await Promise.all(codes.map((code) => client.purchase(code)))
    expect(purchases.map(({ status }) => status)).toEqual(users.map(() => 200))
    const rows = await database.query<{ user_id: string; item_id: number }>(
      'select user_id::text, item_id from purchases where item_id >= $1 and item_id < $2 order by item_id', [firstItem, nextItem])
    expect(rows).toEqual(users.map((user, index) => ({ user_id: String(user), item_id: firstItem + index })))
  })

  // Defect 20 and the merging of ids above 2^53.
  test('007, %2B7, +7 and 7 are one user; 2^54 and 2^54 + 1 are two', async () => {
    for (const spelling of ['007', '%2B7', '+7', '7', '%37', '%30%30%37', `${'0'.repeat(63)}7`, '7', '+07', '007']) {
      expect((await client.checkout(spelling, nextItem++)).status).toBe(200)
    }
    for (const spelling of ['007', '%2B7', '+7', '7']) {
      expect(await client.checkout(spelling, nextItem++)).toMatchObject({ status: 409, reason: 'user_limit_reached' })
    }
    for (let count = 0; count < 10; count++) expect((await client.checkout(2n ** 54n, nextItem++)).status).toBe(200)
    expect(await client.checkout(2n ** 54n, nextItem++)).toMatchObject({ reason: 'user_limit_reached' })
    expect((await client.checkout(2n ** 54n + 1n, nextItem++)).status).toBe(200)
  })

  test.each([
    '', '9223372036854775808', '-9223372036854775809', '1e3', '0x1', '5.0', '1_0', '%EF%BC%97', '%20', '%205', '5%20', '%zz', '%', '%2', '%00',
    '+', '-', '++1', '+-1', '1,2', 'null', 'NaN', 'Infinity', '7%00', `${'0'.repeat(64)}7`, '1'.repeat(200), "1'--",
  ])('%j is refused, naming the parameter', async (text) => {
    const answer = await client.call('POST', `/checkout?user_id=${text}&item_id=1999`)
    expect(answer).toMatchObject({ status: 400, reason: 'invalid_parameter', json: { parameter: 'user_id' } })
  })

  test.each(['/checkout', '/checkout?', '/checkout?item_id=1', '/checkout?user_id', '/checkout?USER_ID=1&item_id=1', '/checkout?&&=&user_id=&item_id=1'])(
    '%s lacks it', async (target) => {
      expect(await client.call('POST', target)).toMatchObject({ status: 400, json: { parameter: 'user_id' } })
    })
})

describe('item_id', () => {
  test.each(['', '2000', '-1', '1e1', '0x1', '1.0', ' 1', '%zz', '4294967296', '18446744073709551616', '-0x', 'abc', '1 '])(
    '%j is refused, naming the parameter', async (text) => {
      const target = `/checkout?user_id=1000&item_id=${encodeURI(text).replaceAll('%25', '%')}`
      expect(await client.call('POST', target)).toMatchObject({ status: 400, reason: 'invalid_parameter', json: { parameter: 'item_id' } })
    })

  test('is refused when it is missing', async () => {
    expect(await client.call('POST', '/checkout?user_id=1000')).toMatchObject({ status: 400, json: { parameter: 'item_id' } })
  })
})

describe('duplicates and escapes', () => {
  // Defect 22: which one wins was nowhere said.
  test('the first of several parameters wins, even when it is wrong', async () => {
    const itemId = nextItem++
    const target = `/checkout?user_id=5001&user_id=5002&item_id=${itemId}&item_id=0`
    const code = (await client.call('POST', target)).text
    expect((await client.reservation(code)).json).toMatchObject({ userId: '5001', itemId })
    const wrong = await client.call('POST', `/checkout?user_id=x&user_id=5002&item_id=${nextItem++}`)
    expect(wrong).toMatchObject({ status: 400, json: { parameter: 'user_id' } })
    const purchased = await client.call('POST', `/purchase?code=${code}&code=nonsense`)
    expect(purchased.status).toBe(200)
  })

  test('names and values may be percent-encoded', async () => {
    const itemId = nextItem++
    const digits = String(itemId).split('').map((digit) => `%3${digit}`).join('')
    const code = (await client.call('POST', `/checkout?user%5Fid=%35%30%30%33&%69tem_id=${digits}`)).text
    expect((await client.reservation(code)).json).toMatchObject({ userId: '5003', itemId })
    const escaped = code.replaceAll('-', '%2D')
    expect((await client.call('POST', `/purchase?c%6Fde=${escaped}`)).status).toBe(200)
  })

  test('4xx changes nothing: no row, no count', async () => {
    const rows = async () => (await database.query('select (select count(*) from checkouts) c, (select count(*) from purchases) p'))[0]
    const [before, saleBefore] = [await rows(), await client.sale()]
    for (const target of ['/checkout?user_id=%zz&item_id=1998', '/checkout?user_id=1&item_id=2000', '/purchase?code=1', '/purchase']) {
      expect((await client.call('POST', target)).status).toBe(400)
    }
    const { secondsLeft: _before, ...was } = saleBefore
    const { secondsLeft: _after, ...is } = await client.sale()
    expect(is).toEqual(was)
    expect(await rows()).toEqual(before)
  })
})

describe('code', () => {
  // Defect 22: {..}, urn:uuid: and 32 digits were taken too.
  const spellings: [string, (code: string) => string][] = [
    ['without dashes', (code) => code.replaceAll('-', '')],
    ['in braces', (code) => `{${code}}`],
    ['as a URN', (code) => `urn:uuid:${code}`],
    ['with a space', (code) => `%20${code}`],
    ['with a trailing character', (code) => `${code}0`],
    ['with one character less', (code) => code.slice(1)],
    ['with a letter that is no digit', (code) => `${code.slice(0, 35)}g`],
    ['with full-width digits', (code) => `%EF%BC%91${code.slice(1)}`],
    ['with the dashes elsewhere', (code) => `${code.replaceAll('-', '')}----`],
    ['empty', () => ''],
    ['with a broken escape', (code) => `${code.slice(0, 33)}%zz`],
    ['with a NUL', (code) => `${code.slice(0, 35)}%00`],
  ]
  test.each(spellings)('%s is malformed everywhere', async (_name, spell) => {
    const text = spell(await client.reserve(600_000 + nextItem, nextItem++))
    expect(await client.call('POST', `/purchase?code=${text}`)).toMatchObject({ status: 400, reason: 'invalid_parameter', json: { parameter: 'code' } })
    if (text === '') return
    expect(await client.reservation(text)).toMatchObject({ status: 400, json: { parameter: 'code' } })
    expect(await client.cancel(text)).toMatchObject({ status: 400, json: { parameter: 'code' } })
  })

  test('is taken in any case', async () => {
    const code = await client.reserve(700_000, nextItem++)
    const mixed = code.split('').map((character, index) => (index % 2 === 0 ? character.toUpperCase() : character)).join('')
    expect(await client.purchase(mixed)).toMatchObject({ status: 200 })
    expect(await client.purchase(code.toUpperCase())).toMatchObject({ status: 409, reason: 'already_purchased' })
  })

  test('any bit changed makes it an unknown one', async () => {
    const code = await client.reserve(700_001, nextItem++)
    const digits = code.replaceAll('-', '')
    for (let place = 0; place < 32; place++) {
      // Digit 12 is the version and the upper bits of digit 16 the variant: not ours when changed.
      const changed = (Number.parseInt(digits[place]!, 16) ^ 1).toString(16)
      const other = digits.slice(0, place) + changed + digits.slice(place + 1)
      const text = other.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
      expect(await client.purchase(text)).toMatchObject({ status: 409, reason: 'unknown_code' })
    }
    expect((await client.purchase(code)).status).toBe(200)
  })
})
