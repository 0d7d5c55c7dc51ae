import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findItemParameter, findParameter, hexByte, parameterText } from './parse-query.ts'

/** Stops a hang; far above what a slow machine needs. */
const PROPERTY_TIME_LIMIT_MS = 60_000

const queryStart = (url: string): number => (url.includes('?') ? url.indexOf('?') + 1 : url.length)

/** The raw value of a parameter, or undefined when there is none. */
function rawValue(url: string, name: string): string | undefined {
  const range = { from: -1, to: -1 }
  const isFound = findParameter(url, queryStart(url), name, range)
  return isFound ? url.slice(range.from, range.to) : undefined
}

describe('findParameter', () => {
  it.each([
    ['/checkout?user_id=7&item_id=8', 'user_id', '7'],
    ['/checkout?user_id=7&item_id=8', 'item_id', '8'],
    ['/checkout?user_id=7', 'item_id', undefined],
    ['/checkout?user_idx=7', 'user_id', undefined],
    ['/checkout?user_i=7', 'user_id', undefined],
    ['/checkout?xuser_id=7', 'user_id', undefined],
    ['/checkout?USER_ID=7', 'user_id', undefined],
    ['/checkout?user_id', 'user_id', ''],
    ['/checkout?user_id&user_id=7', 'user_id', ''],
    ['/checkout?user_id=', 'user_id', ''],
    ['/checkout?user_id=1&user_id=2', 'user_id', '1'],
    ['/checkout?user_id=%zz&user_id=2', 'user_id', '%zz'],
    ['/checkout?&&user_id=7&', 'user_id', '7'],
    ['/checkout?user_id=1=2', 'user_id', '1=2'],
    ['/checkout?user_id=1?user_id=2', 'user_id', '1?user_id=2'],
    ['/checkout?user_id=1;item_id=2', 'item_id', undefined],
    ['/checkout?user%5Fid=7', 'user_id', '7'],
    ['/checkout?%75%73%65%72%5f%69%64=7', 'user_id', '7'],
    ['/checkout?user%255Fid=7', 'user_id', undefined],
    ['/checkout?user%5=7', 'user_id', undefined],
    ['/checkout?user_i%6', 'user_id', undefined],
    ['/checkout?user%zzid=7', 'user_id', undefined],
    ['/checkout?user_id%3D7', 'user_id', undefined],
    ['/checkout?user_id%00=7', 'user_id', undefined],
    ['/checkout?=7', 'user_id', undefined],
    ['/checkout?', 'user_id', undefined],
    ['/checkout', 'user_id', undefined],
    ['', 'user_id', undefined],
  ])('finds in %j the %s %j', (url, name, expected) => {
    expect(rawValue(url, name)).toBe(expected)
  })

  it('leaves the range alone when there is no such parameter', () => {
    const range = { from: 3, to: 5 }
    expect(findParameter('/checkout?a=1', 10, 'user_id', range)).toBe(false)
    expect(range).toEqual({ from: 3, to: 5 })
  })

  it(
    'agrees with URLSearchParams wherever a plus sign is not a space',
    () => {
      const piece = fc.constantFrom(
        'user_id',
        'item_id',
        'id',
        'user%5Fid',
        '%69d',
        'user%5fid',
        '=',
        '=',
        '&',
        '&',
        '%',
        '%2',
        '%zz',
        '%3D',
        '%26',
        '%41',
        '7',
        '?',
        '#',
        ';',
        '/',
        'A',
        ' ',
        'é',
      )
      const query = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''))
      const name = fc.constantFrom('user_id', 'item_id', 'id', 'A')
      const property = fc.property(query, name, (text, wanted) => {
        const raw = rawValue(`/checkout?${text}`, wanted)
        const expected = new URLSearchParams(text).get(wanted)
        // URLSearchParams also decodes values and drops one leading question mark.
        const decoded = raw === undefined ? null : new URLSearchParams(`v=${raw}`).get('v')
        fc.pre(!text.startsWith('?'))
        expect(decoded).toBe(expected)
      })
      fc.assert(property, { numRuns: 50_000 })
    },
    PROPERTY_TIME_LIMIT_MS,
  )
})

describe('findItemParameter', () => {
  it.each([
    ['/checkout?item_id=1&id=2', '1'],
    ['/checkout?id=2&item_id=1', '1'],
    ['/checkout?id=2', '2'],
    ['/checkout?id=2&id=3', '2'],
    ['/checkout?id=2&item_id', ''],
    ['/checkout?user_id=2', undefined],
  ])('finds in %j the item %j', (url, expected) => {
    const range = { from: 0, to: 0 }
    const isFound = findItemParameter(url, queryStart(url), range)
    expect(isFound ? url.slice(range.from, range.to) : undefined).toBe(expected)
  })
})

describe('parameterText', () => {
  it.each([
    ['abc', 'abc'],
    ['a+c', 'a+c'],
    ['%61%2Db', 'a-b'],
    ['%25%36%31', '%61'],
    ['%zz', undefined],
    ['%', undefined],
    ['%ff', undefined],
    ['', ''],
  ])('decodes %j to %j', (raw, expected) => {
    expect(parameterText(`?${raw}&`, { from: 1, to: raw.length + 1 })).toBe(expected)
  })
})

describe('any text at all', () => {
  const piece = fc.oneof(
    fc.constantFrom('item_id', 'id', 'i', '_id', '=', '&', '%', '%69', '%5F', '%5f', '%3D', '%26', '?', '%ff', '%C3%A9', '+'),
    fc.string({ unit: 'binary', maxLength: 3 }),
  )
  const query = fc.array(piece, { maxLength: 16 }).map((pieces) => pieces.join(''))

  /** The first value of a name, by splitting and decoding. */
  function firstValue(text: string, name: string): string | undefined {
    for (const pair of text.split('&')) {
      const [rawName = ''] = pair.split('=', 1)
      if (pair !== '' && decoded(rawName) === name) return pair.slice(rawName.length + 1)
    }
    return undefined
  }

  function decoded(text: string): string | undefined {
    try {
      return decodeURIComponent(text)
    } catch {
      return undefined
    }
  }

  it('has the item that splitting and decoding find', () => {
    fc.assert(fc.property(query, (text) => {
      const range = { from: -1, to: -1 }
      const url = `/checkout?${text}`
      const isFound = findItemParameter(url, 10, range)
      const expected = firstValue(text, 'item_id') ?? firstValue(text, 'id')
      expect(isFound ? url.slice(range.from, range.to) : undefined).toBe(expected)
    }), { numRuns: 10_000 })
  }, PROPERTY_TIME_LIMIT_MS)

  it('is decoded as decodeURIComponent does, where it stands', () => {
    fc.assert(fc.property(query, (text) => {
      expect(parameterText(`%41${text}%zz`, { from: 3, to: 3 + text.length })).toBe(decoded(text))
    }), { numRuns: 10_000 })
  }, PROPERTY_TIME_LIMIT_MS)

  it('has hexadecimal digits exactly where a regular expression finds them', () => {
    const characters = [...Array.from({ length: 256 }, (_, unit) => String.fromCharCode(unit)), '\u0130', '\u0661', '\uff11', '\uff21', '']
    for (const first of characters) {
      for (const second of characters) {
        const byte = hexByte(`%${first}${second}`, 1)
        const expected = /^[0-9A-Fa-f]{2}$/.test(first + second) ? Number.parseInt(first + second, 16) : -1
        if (byte < 0 ? expected >= 0 : byte !== expected) expect([first, second, byte]).toEqual([first, second, expected])
      }
    }
  })
})
