import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type UserId, UserIdReader, userIdOf } from './user-id.ts'

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
