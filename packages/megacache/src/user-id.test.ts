import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type UserId, UserIdReader, userIdOf } from './user-id.ts'

/** Stops a hang; far above what a slow machine needs. */
const PROPERTY_TIME_LIMIT_MS = 60_000
const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)

function read(userId: UserId): bigint {
  const reader = new UserIdReader()
  reader.read(userId)
  return userIdOf(reader.low, reader.high)
}

it('reads every int64 in every form as the same user', () => {
  const boundaries = fc.constantFrom(
    0n, 1n, -1n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, -(2n ** 31n), -(2n ** 32n), 2n ** 53n, 2n ** 53n + 1n,
    -(2n ** 53n) - 1n, 999_999_999_999_999n, 1_000_000_000_000_000n, -999_999_999_999_999n, INT64_MAX, INT64_MIN,
  )
  fc.assert(fc.property(fc.oneof(fc.bigInt({ min: INT64_MIN, max: INT64_MAX }), boundaries), (value) => {
    expect(read(value)).toBe(value)
    expect(read(`${value}`)).toBe(value)
    expect(read({ low: Number(BigInt.asIntN(32, value)), high: Number(value >> 32n) })).toBe(value)
    expect(read(value < 0n ? value : `+${value}`)).toBe(value)
    expect(read(`${value < 0n ? '-' : ''}000${value < 0n ? -value : value}`)).toBe(value)
  }), { numRuns: 1000 })
})

it('reads every safe integer as the user of that number', () => {
  fc.assert(fc.property(fc.maxSafeInteger(), (value) => {
    expect(read(value)).toBe(BigInt(value))
  }), { numRuns: 1000 })
})

it.each([
  ['-0', 0n], ['+0', 0n], ['007', 7n], ['+7', 7n], ['0'.repeat(63) + '7', 7n], ['-' + '0'.repeat(63) + '7', -7n],
  ['9223372036854775807', INT64_MAX], ['-9223372036854775808', INT64_MIN], [-0, 0n], [Number.MIN_SAFE_INTEGER, -(2n ** 53n) + 1n],
] as const)('reads %j as %s', (userId, value) => {
  expect(read(userId)).toBe(value)
})

it('reads or refuses any text as a regular expression and BigInt do', () => {
  const oracle = (text: string): bigint | undefined => {
    if (!/^[+-]?[0-9]{1,64}$/.test(text)) return undefined
    const value = BigInt(text.replace('+', ''))
    return value > INT64_MAX || value < INT64_MIN ? undefined : value
  }
  const readOrNot = (text: string): bigint | undefined => {
    try {
      return read(text)
    } catch {
      return undefined
    }
  }
  const numeral = fc.tuple(
    fc.constantFrom('', '', '+', '-', '--', ' ', '\u2212'),
    fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 20n }), fc.constantFrom(10n ** 15n, 10n ** 15n - 1n, 10n ** 16n, 2n ** 53n, INT64_MAX, -INT64_MIN, -INT64_MIN + 1n, 2n ** 64n)),
    fc.nat({ max: 66 }),
    fc.constantFrom('', '', '', '\n', ' ', 'n', '.', 'e1', '\u0000', '\uff11'),
  ).map(([sign, value, width, end]) => sign + String(value).padStart(width, '0') + end)
  const broken = fc.tuple(numeral, fc.nat({ max: 66 }), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }))
    .map(([text, at, character]) => text.slice(0, at) + character + text.slice(at + 1))
  fc.assert(fc.property(fc.oneof(numeral, broken, fc.string({ unit: 'binary' })), (text) => {
    expect(readOrNot(text)).toBe(oracle(text))
  }), { numRuns: 5_000 })
}, PROPERTY_TIME_LIMIT_MS)

it('reads any number that is a safe integer, and refuses any other', () => {
  fc.assert(fc.property(fc.oneof(fc.double(), fc.maxSafeInteger().map((value) => value * 2), fc.integer().map((value) => value / 2)), (value) => {
    if (Number.isSafeInteger(value)) expect(read(value)).toBe(BigInt(value))
    else expect(() => read(value)).toThrow(expect.objectContaining({ code: 'invalid_user_id' }))
  }), { numRuns: 2_000 })
}, PROPERTY_TIME_LIMIT_MS)

describe('what is no user id', () => {
  it.each([
    '', ' ', '+', '-', '--1', '+-1', '5 ', ' 5', '5.0', '1e3', '0x10', '1_0', '\uff11', '\u0661', '1\u0000', 'NaN', '0'.repeat(65),
    '9223372036854775808', '-9223372036854775809', '99999999999999999999', '12345678901234567x', '12345678901234x',
    INT64_MAX + 1n, INT64_MIN - 1n, 2 ** 53, 1.5, Number.NaN, Number.POSITIVE_INFINITY, null, undefined, true, {}, [], Symbol('user'),
    { low: 1 }, { low: 1.5, high: 0 }, { low: 2 ** 31, high: 0 }, { low: 0, high: Number.NaN }, Object.create(null),
  ])('refuses %o', (userId) => {
    expect(() => read(userId as UserId)).toThrow(expect.objectContaining({ code: 'invalid_user_id', retryable: false }))
  })
})
