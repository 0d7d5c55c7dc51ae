import fc from 'fast-check'
import { CheckoutCodeReader, formatCheckoutCode } from 'megacache'
import { expect, it } from 'vitest'
import { findCode, readCode } from './find-code.ts'

/** Stops a hang; far above what a slow machine needs. */
const PROPERTY_TIME_LIMIT_MS = 60_000
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The code, in lower case, by decoding and a regular expression. */
function oracle(text: string | undefined): string | undefined {
  try {
    const decoded = decodeURIComponent(text ?? '')
    return UUID.test(decoded) && decoded.length === 36 ? decoded.toLowerCase() : undefined
  } catch {
    return undefined
  }
}

const uuid = fc.uuid({ version: [8, 4] })
const escaped = fc.tuple(uuid, fc.integer(), fc.boolean()).map(([text, mask, isUpper]) => Array.from(text, (character, at) => {
  if (((mask >>> (at % 32)) & 1) === 0) return isUpper ? character.toUpperCase() : character
  return `%${character.charCodeAt(0).toString(16)}`
}).join(''))
const broken = fc.tuple(escaped, fc.nat({ max: 110 }), fc.nat({ max: 3 }), fc.constantFrom('', '%', '%zz', '%00', '%2D', '-', '%252D', '0', 'g', '%EF%BC%91', '+', '%20'))
  .map(([text, at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut))
const texts = fc.oneof(uuid, escaped, broken, fc.constantFrom('', '%', '-'.repeat(36), '%2D'.repeat(36), '0'.repeat(36)))

it('reads a code as decoding it and a regular expression do, wherever it stands', () => {
  fc.assert(fc.property(texts, fc.constantFrom('', '0', '%', 'a-'), fc.constantFrom('', '/', '0', '?a'), (text, before, after) => {
    const code = new CheckoutCodeReader()
    const isRead = readCode(before + text + after, before.length, before.length + text.length, code)
    expect(isRead ? formatCheckoutCode(code) : undefined).toBe(oracle(text))
  }), { numRuns: 10_000 })
}, PROPERTY_TIME_LIMIT_MS)

it('finds the first parameter called code, whatever it is', () => {
  const name = fc.constantFrom('code', 'code', 'c%6Fde', 'CODE', 'codes', 'cod', 'code%20', '')
  fc.assert(fc.property(fc.array(fc.tuple(name, texts), { maxLength: 4 }), (pairs) => {
    const first = pairs.find(([each]) => each === 'code' || each === 'c%6Fde')
    const code = new CheckoutCodeReader()
    const isFound = findCode(`/purchase?${pairs.map((pair) => pair.join('=')).join('&')}`, 10, code)
    expect(isFound ? formatCheckoutCode(code) : undefined).toBe(oracle(first?.[1]))
  }), { numRuns: 10_000 })
}, PROPERTY_TIME_LIMIT_MS)
