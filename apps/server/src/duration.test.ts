import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDuration } from './duration.ts'

describe('parseDuration', () => {
  it.each([
    ['0ms', 0],
    ['250ms', 250],
    ['60s', 60_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['30d', 2_592_000_000],
    ['007s', 7_000],
    ['104249991d', 9_007_199_222_400_000],
  ])('reads %s as %i ms', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs)
  })

  it.each([
    '',
    '5',
    's',
    '1.5h',
    '1h30m',
    '-1s',
    '+1s',
    '1 s',
    ' 1s',
    '1s ',
    '1S',
    '1H',
    '1sec',
    '1e3ms',
    '0x1s',
    '1w',
    '1us',
    '1_000ms',
    'Infinityms',
    '104249992d',
    '9007199254740992ms',
    '1s\n',
    '\u{ff11}s',
  ])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })
})

/** Stops a hang; far above what a slow machine needs. */
const PROPERTY_TIME_LIMIT_MS = 60_000

/** The rule character by character, in BigInt. */
function oracle(text: string): number | undefined {
  const digits = text.split('').findIndex((character) => !'0123456789'.includes(character))
  const unitMs = new Map([['ms', 1n], ['s', 1_000n], ['m', 60_000n], ['h', 3_600_000n], ['d', 86_400_000n]]).get(text.slice(digits))
  if (digits < 1 || digits > 15 || unitMs === undefined) return undefined
  const durationMs = BigInt(text.slice(0, digits)) * unitMs
  return durationMs <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(durationMs) : undefined
}

it('agrees with BigInt on every text', () => {
  const number = fc.oneof(
    fc.nat().map(String), fc.bigInt({ min: 0n, max: 10n ** 16n }).map(String),
    // Around the largest that is exact, in each unit.
    fc.tuple(fc.constantFrom(1n, 1_000n, 60_000n, 3_600_000n, 86_400_000n), fc.integer({ min: -2, max: 2 }))
      .map(([unit, step]) => String(BigInt(Number.MAX_SAFE_INTEGER) / unit + BigInt(step))),
    fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 17 })).map(([digit, width]) => String(digit).padStart(width, '0')),
    fc.string({ unit: fc.constantFrom('0', '9', '.', '-', '+', ' ', 'e', '_', '\uff11', '\u0661'), maxLength: 4 }),
  )
  const unit = fc.constantFrom('ms', 's', 'm', 'h', 'd', 'd', '', 'S', 'mss', 'w', ' s', 's ', 's\n', 'm\u0000')
  fc.assert(fc.property(fc.oneof(fc.tuple(number, unit).map(([count, name]) => count + name), fc.string({ unit: 'binary' })), (text) => {
    expect(parseDuration(text)).toBe(oracle(text))
  }), { numRuns: 5_000 })
}, PROPERTY_TIME_LIMIT_MS)
