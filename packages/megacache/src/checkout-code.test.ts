import fc from 'fast-check'
import { validate, version } from 'uuid'
import { describe, expect, it } from 'vitest'
import {
  CheckoutCodeReader, codeWord1, codeWord2, formatCheckoutCode, parseCheckoutCode, TENURES, tenureOf,
} from './checkout-code.ts'

/** Stops a hang; far above what a slow machine needs. */
const PROPERTY_TIME_LIMIT_MS = 60_000
const CODE = '00078db8-0270-8f07-8123-456789abcdef'

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const parts = fc.record({
  saleId: fc.nat({ max: 0xffff_ffff }), slot: fc.nat({ max: 1_048_575 }), generation: fc.nat({ max: 2 ** 29 - 1 }),
  random0: int32, random1: int32,
})

function wordsOf({ saleId, slot, generation, random0, random1 }: typeof parts extends fc.Arbitrary<infer T> ? T : never): {
  word0: number; word1: number; word2: number; word3: number
} {
  return { word0: saleId | 0, word1: codeWord1(slot, generation, random0), word2: codeWord2(random0), word3: random1 }
}

it('is a version 8 UUID that names sale, slot, tenure and all 64 random bits', () => {
  fc.assert(fc.property(parts, (each) => {
    const text = formatCheckoutCode(wordsOf(each))
    expect(validate(text)).toBe(true)
    expect(version(text)).toBe(8)
    const reader = new CheckoutCodeReader()
    expect(reader.read(text)).toBe(true)
    expect(reader).toMatchObject({
      saleId: each.saleId, slot: each.slot, tenure: tenureOf(each.generation), random0: each.random0, random1: each.random1,
    })
    expect(reader.isOurs).toBe((each.random0 | each.random1) !== 0)
  }))
})

it('is the same code in upper, lower and mixed case', () => {
  fc.assert(fc.property(parts, fc.array(fc.boolean(), { minLength: 36, maxLength: 36 }), (each, isUpper) => {
    const words = wordsOf(each)
    const text = formatCheckoutCode(words)
    const mixed = Array.from(text, (character, at) => isUpper[at]! ? character.toUpperCase() : character).join('')
    expect(parseCheckoutCode(mixed)).toMatchObject(words)
  }))
})

it('reads whatever the uuid package takes for a UUID, and only what that package finds well formed', () => {
  const hex = fc.constantFrom(...Array.from('0123456789abcdefABCDEFgG-{ \u0661\uff11'))
  const near = fc.tuple(fc.nat({ max: 35 }), hex).map(([at, character]) => CODE.slice(0, at) + character + CODE.slice(at + 1))
  fc.assert(fc.property(near, (text) => {
    // The package also looks at version and variant; with those of a real one only the form is left to differ.
    const isWellFormed = validate(`${text.slice(0, 14)}8${text.slice(15, 19)}8${text.slice(20)}`)
    const isDigitReplaced = [14, 19].every((at) => /[0-9a-f]/i.test(text[at]!))
    expect(parseCheckoutCode(text) !== undefined).toBe(isWellFormed && isDigitReplaced)
  }), { numRuns: 2000 })
})

it('reads any text as a regular expression and BigInt do, wherever it stands', () => {
  const digit = fc.constantFrom(...Array.from('0123456789abcdefABCDEF'))
  const code = fc.array(digit, { minLength: 32, maxLength: 32 }).map((digits) => digits.join('').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'))
  const other = fc.oneof(fc.string({ unit: 'binary', maxLength: 2 }), fc.constantFrom('-', '', 'g', '\u0130', '\uff11'))
  const broken = fc.tuple(code, fc.nat({ max: 36 }), fc.nat({ max: 2 }), other).map(([text, at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut))
  fc.assert(fc.property(fc.oneof(code, broken, fc.string({ unit: 'binary', maxLength: 40 })), fc.string({ unit: 'binary', maxLength: 3 }), (text, before) => {
    const isCode = text.length === 36 && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
    const words = parseCheckoutCode(text)
    const shown = words === undefined ? undefined : [words.word0, words.word1, words.word2, words.word3].map((word) => BigInt(word >>> 0))
    const bits = isCode ? BigInt(`0x${text.replaceAll('-', '')}`) : undefined
    const expected = bits === undefined ? undefined : [96n, 64n, 32n, 0n].map((shift) => (bits >> shift) & 0xffff_ffffn)
    expect(shown).toEqual(expected)
    if (words !== undefined) expect(formatCheckoutCode(words)).toBe(text.toLowerCase())
    if (text.length === 36) expect(new CheckoutCodeReader().read(`${before}${text}0`, before.length)).toBe(isCode)
  }), { numRuns: 5_000 })
}, PROPERTY_TIME_LIMIT_MS)

describe('malformed codes (defect 22)', () => {
  it.each([
    '', ' ', `{${CODE}}`, `urn:uuid:${CODE}`, CODE.replaceAll('-', ''), `${CODE} `, ` ${CODE}`, `${CODE}0`, CODE.slice(1),
    CODE.replaceAll('-', '_'), CODE.replace('a', 'g'), CODE.replace('1', '\u0661'), CODE.replace('1', '\uff11'),
    `${CODE.slice(0, 35)}\u0000`, 'not-a-code', `${CODE.slice(0, 9)}-${CODE.slice(9, 35)}`,
  ])('refuses %j', (text) => {
    expect(parseCheckoutCode(text)).toBeUndefined()
  })

  it('refuses each single character that is no digit, at each place', () => {
    for (let at = 0; at < 36; at++) {
      for (const character of CODE[at] === '-' ? '0_' : 'g/:@`-') {
        expect(parseCheckoutCode(CODE.slice(0, at) + character + CODE.slice(at + 1))).toBeUndefined()
      }
    }
  })
})

it('does not take UUIDs of other kinds, nor one without random bits, for its own', () => {
  expect(isOurs(CODE)).toBe(true)
  expect(isOurs(CODE.replace('-8f07', '-4f07'))).toBe(false)
  expect(isOurs(CODE.replace('-8123', '-c123'))).toBe(false)
  expect(isOurs(formatCheckoutCode({ word0: 1, word1: codeWord1(3, 5, 0), word2: codeWord2(0), word3: 0 }))).toBe(false)
})

it('tells 64 tenures apart, one for each odd generation', () => {
  expect(new Set([...Array(TENURES).keys()].map((tenure) => tenureOf(tenure * 2 + 1))).size).toBe(TENURES)
  expect(tenureOf(1)).toBe(tenureOf(1 + TENURES * 2))
})

it('takes words as unsigned numbers too', () => {
  const reader = new CheckoutCodeReader()
  const words = parseCheckoutCode('ffffffff-ffff-8fff-bfff-ffffffffffff')!
  reader.set({ word0: words.word0 >>> 0, word1: words.word1 >>> 0, word2: words.word2 >>> 0, word3: words.word3 >>> 0 })
  expect(reader).toMatchObject({ ...words })
})

function isOurs(text: string): boolean {
  const reader = new CheckoutCodeReader()
  return reader.read(text) && reader.isOurs
}
