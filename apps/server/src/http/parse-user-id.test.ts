import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseItemId, parseUserId } from './parse-user-id.ts'

/** Stops a hang; far above what a slow machine needs. */
const PROPERTY_TIME_LIMIT_MS = 60_000

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** What the parser read, or undefined when it refused. */
function readUserId(text: string): bigint | undefined {
  const into = { low: 0, high: 0 }
  // In the middle of a text, as in a request target: nothing beyond the range may be read.
  if (!parseUserId(`9-${text}9`, 2, 2 + text.length, into)) return undefined
  expect([into.low | 0, into.high | 0]).toEqual([into.low, into.high])
  return (BigInt(into.high) << 32n) | BigInt(into.low >>> 0)
}

const readItemId = (text: string, itemCount: number): number =>
  parseItemId(`9+${text}9`, 2, 2 + text.length, itemCount)

/** The documented rules, by regular expression and BigInt, on the decoded text. */
function oracle(text: string): bigint | undefined {
  let decoded: string
  try {
    decoded = decodeURIComponent(text)
  } catch {
    return undefined
  }
  if (!/^[+-]?[0-9]{1,64}$/.test(decoded)) return undefined
  const value = BigInt(decoded.replace('+', ''))
  return value >= INT64_MIN && value <= INT64_MAX ? value : undefined
}

function itemOracle(text: string, itemCount: number): number {
  const value = oracle(text)
  const isNegative = /^(-|%2d)/i.test(text)
  if (value === undefined || isNegative || value >= BigInt(itemCount)) return -1
  return Number(value)
}

/** Percent-encodes the characters for which the mask has a bit. */
const escaped = (text: string, mask: number): string =>
  Array.from(text, (character, index) =>
    ((mask >>> (index % 32)) & 1) === 0
      ? character
      : `%${(character.codePointAt(0) ?? 0).toString(16)}`,
  ).join('')

const boundaries = [15n, 16n, 31n, 32n, 47n, 48n, 53n, 62n, 63n, 64n].flatMap((bits) =>
  [-2n, -1n, 0n, 1n, 2n].flatMap((step) => [2n ** bits + step, -(2n ** bits) + step]),
)
const powersOfTen = Array.from({ length: 22 }, (_, digits) => 10n ** BigInt(digits)).flatMap(
  (value) => [value - 1n, value, value + 1n, -value],
)

const numbers = fc.oneof(
  fc.bigInt({ min: INT64_MIN, max: INT64_MAX }),
  fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
  fc.integer().map(BigInt),
  fc.constantFrom(...boundaries, ...powersOfTen),
)
const numerals = fc
  .tuple(numbers, fc.nat({ max: 66 }), fc.constantFrom('', '', '+', '-'))
  .map(([value, width, sign]) => {
    const digits = (value < 0n ? -value : value).toString().padStart(width, '0')
    return `${value < 0n ? '-' : sign}${digits}`
  })
const noise = fc
  .array(
    fc.constantFrom(
      '0', '1', '9', '+', '-', '%', '%2', '%2B', '%2d', '%30', '%39', '%3A', '%2F', '%25', '.',
      'e', 'x', '_', ' ', 'n', '\u{ff11}', '\u0661', '%EF%BC%91', '%zz', '/', ':',
    ),
    { maxLength: 8 },
  )
  .map((pieces) => pieces.join(''))
const texts = fc.oneof(
  { weight: 4, arbitrary: numerals },
  {
    weight: 1,
    arbitrary: fc.tuple(numerals, fc.integer()).map(([text, mask]) => escaped(text, mask)),
  },
  { weight: 2, arbitrary: noise },
)

describe('parseUserId', () => {
  it.each([
    ['7', 7n],
    ['007', 7n],
    ['+7', 7n],
    ['%2B7', 7n],
    ['%2b%37', 7n],
    ['-7', -7n],
    ['%2D7', -7n],
    ['0', 0n],
    ['-0', 0n],
    ['2147483647', 2n ** 31n - 1n],
    ['2147483648', 2n ** 31n],
    ['-2147483649', -(2n ** 31n) - 1n],
    ['4294967295', 2n ** 32n - 1n],
    ['4294967296', 2n ** 32n],
    ['-4294967296', -(2n ** 32n)],
    ['9007199254740992', 2n ** 53n],
    ['9007199254740993', 2n ** 53n + 1n],
    ['9223372036854775807', INT64_MAX],
    ['-9223372036854775808', INT64_MIN],
    [`${'0'.repeat(45)}9223372036854775807`, INT64_MAX],
    [`-${'0'.repeat(45)}9223372036854775808`, INT64_MIN],
    [escaped(`-${'0'.repeat(45)}9223372036854775808`, -1), INT64_MIN],
  ])('reads %j as %s', (text, expected) => {
    expect(readUserId(text)).toBe(expected)
  })

  it.each([
    '9223372036854775808', '-9223372036854775809', '18446744073709551616', '99999999999999999999',
    '0'.repeat(65), `+${'0'.repeat(65)}`, '%30'.repeat(65), `0${'%30'.repeat(64)}`,
    '9'.repeat(64), '', '+', '-', '%2B', '%2D', '+-7', '--7', '7-', '7+', ' 7', '7 ', '%207',
    '7%20', '7\0', '1e3', '0x1', '5.0', '1_0', '7n', 'Infinity', 'NaN', '1,0', '\u{ff17}',
    '%EF%BC%97', '\u0667', '%zz', '%', '%3', '7%', '7%3', '%2537', '%25377', '%u0037', '7#', '7/',
    '%2g', '%2G', '%2@', '%3`', '%g0', '%:0',
    '7:',
  ])('refuses %j', (text) => {
    expect(readUserId(text)).toBeUndefined()
  })

  it('agrees with BigInt on every text', () => {
    const property = fc.property(texts, (text) => {
      expect(readUserId(text)).toBe(oracle(text))
    })
    fc.assert(property, { numRuns: 100_000 })
  }, PROPERTY_TIME_LIMIT_MS)

  it('agrees with BigInt on every text of one or two characters up to U+00FF, and on every escape', () => {
    const characters = Array.from({ length: 256 }, (_, unit) => String.fromCharCode(unit))
    for (const first of characters) {
      for (const second of ['', ...characters]) {
        for (const text of [first + second, `%${first}${second}`, `%3${first}${second}`, `1${first}${second}`]) {
          if (readUserId(text) !== oracle(text)) expect([text, readUserId(text)]).toEqual([text, oracle(text)])
        }
      }
    }
  }, PROPERTY_TIME_LIMIT_MS)

  it('agrees with BigInt at every boundary, with every sign and width', () => {
    const values = [...boundaries, ...powersOfTen]
    for (const value of values) {
      const digits = (value < 0n ? -value : value).toString()
      for (const sign of ['', '+', '-', '%2B', '%2D']) {
        for (const width of [0, 15, 16, 19, 20, 63, 64, 65]) {
          const text = `${sign}${digits.padStart(width, '0')}`
          expect([text, readUserId(text)]).toEqual([text, oracle(text)])
        }
      }
    }
  })
})

describe('parseItemId', () => {
  it.each([
    ['0', 10, 0],
    ['9', 10, 9],
    ['+9', 10, 9],
    ['%2B%39', 10, 9],
    [`${'0'.repeat(63)}9`, 10, 9],
    ['1048575', 1_048_576, 1_048_575],
    ['1048576', 1_048_576, -1],
    ['10', 10, -1],
    ['-0', 10, -1],
    ['-1', 10, -1],
    ['%2D0', 10, -1],
    [`${'0'.repeat(64)}9`, 10, -1],
    ['9'.repeat(400), 10, -1],
    ['', 10, -1],
    ['+', 10, -1],
    ['5.0', 10, -1],
    ['1e0', 10, -1],
    ['%zz', 10, -1],
    ['%2539', 10, -1],
    ['4294967296', 10, -1],
  ])('reads %j of %i items as %i', (text, itemCount, expected) => {
    expect(readItemId(text, itemCount)).toBe(expected)
  })

  it('agrees with BigInt on every text', () => {
    const counts = fc.constantFrom(1, 10, 10_000, 1_048_576, Number.MAX_SAFE_INTEGER)
    const property = fc.property(texts, counts, (text, itemCount) => {
      expect(readItemId(text, itemCount)).toBe(itemOracle(text, itemCount))
    })
    fc.assert(property, { numRuns: 50_000 })
  }, PROPERTY_TIME_LIMIT_MS)
})
