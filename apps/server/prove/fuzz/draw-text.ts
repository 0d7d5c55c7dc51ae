import type { Random } from '../../simulation/world/random.ts'

/** Numbers next to which parsers go wrong. */
const EDGES: readonly bigint[] = [0n, 15n, 16n, 31n, 32n, 53n, 62n, 63n, 64n].flatMap((bits) =>
  [-1n, 0n, 1n].flatMap((step) => [2n ** bits + step, -(2n ** bits) + step]))

const NOT_NUMBERS: readonly string[] = [
  '', '1e3', '0x1', '5.0', '1_0', '%EF%BC%97', '%20', '%205', '5%20', '%zz', '%', '%2', '%2g7', '%00', '7%00', '+', '-', '++1', '+-1', '--1', '1-', '%2B%2B7', '%2537',
  '%25%32%42', '%C3%28', '%ff', '%u0037', "1'--", '1,2', '1;2', 'NaN', 'Infinity', 'null', 'undefined', '7n', '7#', '7/', '[7]', '{}', `${'0'.repeat(64)}7`, '9'.repeat(200),
  '%30'.repeat(65), '7?user_id=8', '=7', '7=8', '%26user_id=7',
]

const HEX = '0123456789abcdef'

/** A number of int64 as nobody writes it: signs, zeros, escapes; sometimes one that does not fit, or no number at all. */
export function drawUserText(random: Random): string {
  if (random.chance(0.12)) return random.pick(NOT_NUMBERS)
  const value = random.chance(0.25)
    ? random.pick(EDGES)
    : BigInt.asIntN(64, (BigInt(random.word()) << 32n) | BigInt(random.word())) >> BigInt(random.integer(0, 40))
  return spelled(random, value)
}

/** An item, mostly from `from` to `to`, mostly written as everybody does. */
export function drawItemText(random: Random, from: number, to: number, items: number): string {
  if (random.chance(0.08)) return random.pick(NOT_NUMBERS)
  if (random.chance(0.1)) return spelled(random, random.pick([0, 1, -1, items - 1, items, items + 1, 2 ** 31, 2 ** 32]))
  const item = random.integer(from, to)
  return random.chance(0.8) ? String(item) : spelled(random, item)
}

/** A code that was given, or something that is nearly one. */
export function drawCodeText(random: Random, given: readonly string[]): string {
  const code = random.chance(0.6) && given.length > 0 ? random.pick(given) : randomUuid(random)
  switch (random.integer(0, 11)) {
    case 0:
      return flipped(random, code)
    case 1:
      return code.toUpperCase()
    case 2:
      return Array.from(code, (character) => (random.chance(0.5) ? character.toUpperCase() : character)).join('')
    case 3:
      return escaped(random, code, random.pick([0.1, 1]))
    case 4: {
      const at = random.integer(0, 35)
      return code.slice(0, at) + random.pick(['', 'g', '%00', '%zz', '-', '%', '%EF%BC%91', '0%', '/', '?']) + code.slice(at + 1)
    }
    case 5:
      return random.pick(['', 'x', code.replaceAll('-', ''), `{${code}}`, `urn:uuid:${code}`, `${code}0`, code.slice(1), `%20${code}`, '%2D'.repeat(36), '-'.repeat(36), 'f'.repeat(36)])
    case 6:
      return random.pick(['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', `ffffffff${code.slice(8)}`, `00000001${code.slice(8)}`])
    default:
      return code
  }
}

/** The same text with some of its characters as escapes, in digits of either case. */
export function escaped(random: Random, text: string, share: number): string {
  return Array.from(text, (character) => {
    if (!random.chance(share)) return character
    const digits = character.charCodeAt(0).toString(16).padStart(2, '0')
    return `%${random.chance(0.5) ? digits.toUpperCase() : digits}`
  }).join('')
}

function spelled(random: Random, value: bigint | number): string {
  const digits = String(value < 0 ? -value : value)
  const sign = value < 0 ? '-' : random.pick(['', '', '', '+', '%2B', '%2b'])
  const padded = random.chance(0.2) ? digits.padStart(random.integer(1, 66), '0') : digits
  return random.chance(0.2) ? escaped(random, sign.startsWith('%') ? `+${padded}` : sign + padded, random.pick([0.2, 1])) : sign + padded
}

function flipped(random: Random, code: string): string {
  const digitsAt = Array.from(code, (character, index) => (character === '-' ? -1 : index)).filter((index) => index >= 0)
  const at = random.pick(digitsAt)
  return code.slice(0, at) + HEX[Number.parseInt(code.charAt(at), 16) ^ (1 << random.integer(0, 3))] + code.slice(at + 1)
}

function randomUuid(random: Random): string {
  const digits = Array.from({ length: 4 }, () => random.word().toString(16).padStart(8, '0')).join('')
  const [version, variant] = random.chance(0.7) ? ['8', 'a'] : [HEX[random.integer(0, 15)], HEX[random.integer(0, 15)]]
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${version}${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20)}`
}
