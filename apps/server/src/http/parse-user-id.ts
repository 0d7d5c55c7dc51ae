import { hexByte } from './parse-query.ts'

/**
 * Reads ids out of the raw text of a request target, where they stand.
 *
 * `Number` would merge ids above 2^53, and `BigInt` allocates and accepts `''`, `' 5 '` and
 * `0x10`. What is accepted here is exactly the documented grammar; everything else (an exponent, a
 * fraction, a space, an underscore, digits of other scripts, a malformed escape) is refused.
 */

/** An int64 as its two's-complement halves, each an Int32. */
export interface Int64Halves {
  low: number
  high: number
}

const PERCENT = 0x25
const PLUS = 0x2b
const MINUS = 0x2d
const ZERO = 0x30

const TWO_32 = 0x1_0000_0000

/** The grammar allows this many digits, leading zeros included. */
const DIGITS_MAX = 64

/** Decimal numbers of so many digits are exact as doubles: 10^15 < 2^53. */
const EXACT_DIGITS_MAX = 15

/** 2^63 has so many digits; a number with more is out of range. */
const INT64_DIGITS_MAX = 19

/**
 * Reads an int64: `^[+-]?[0-9]{1,64}$` after percent-decoding, within -2^63 to 2^63 - 1.
 *
 * `007`, `+7`, `%2B7` and `7` are one id, and so are `-0` and `0`. A raw `+` is a sign, not a
 * space. Nothing is allocated unless the text has a `%`. `into` is reused between requests, by one
 * thread.
 *
 * @param from index of the first character in `text`, `to` of the one after the last.
 * @param into receives the value; meaningless when the text is refused.
 * @returns whether the text is such a number.
 */
export function parseUserId(text: string, from: number, to: number, into: Int64Halves): boolean {
  if (from >= to) return false
  const first = text.charCodeAt(from)
  const start = first === PLUS || first === MINUS ? from + 1 : from
  if (start === to || to - start > DIGITS_MAX) return parseEscaped(text, from, to, into)
  let significant = start
  while (significant < to && text.charCodeAt(significant) === ZERO) significant++
  // Digits before `split` and digits from there on, each exact as a double.
  const split = to - significant > EXACT_DIGITS_MAX ? to - 9 : to
  let leading = 0
  let trailing = 0
  for (let index = significant; index < to; index++) {
    const digit = text.charCodeAt(index) - ZERO
    if (digit < 0 || digit > 9) return parseEscaped(text, from, to, into)
    if (index < split) leading = leading * 10 + digit
    else trailing = trailing * 10 + digit
  }
  const isNegative = first === MINUS
  if (split === to) {
    store(into, Math.floor(leading / TWO_32), leading % TWO_32, isNegative)
    return true
  }
  if (to - significant > INT64_DIGITS_MAX) return false
  return storeSplit(into, leading, trailing, isNegative)
}

/**
 * Reads an item id: `^[+]?[0-9]{1,64}$` after percent-decoding, below `itemCount`.
 *
 * The grammar is that of user ids without the minus sign: `-0` is refused, since no item has a
 * sign.
 *
 * @returns the id, or -1.
 */
export function parseItemId(text: string, from: number, to: number, itemCount: number): number {
  const start = from < to && text.charCodeAt(from) === PLUS ? from + 1 : from
  if (start >= to || to - start > DIGITS_MAX) return parseEscapedItem(text, from, to, itemCount)
  let value = 0
  for (let index = start; index < to; index++) {
    const digit = text.charCodeAt(index) - ZERO
    if (digit < 0 || digit > 9) return parseEscapedItem(text, from, to, itemCount)
    value = value * 10 + digit
    // More digits only make it larger, so the rest need not be read: it is refused either way.
    if (value >= itemCount) return -1
  }
  return value
}

function parseEscaped(text: string, from: number, to: number, into: Int64Halves): boolean {
  const decoded = decodeNumber(text, from, to)
  return decoded !== '' && parseUserId(decoded, 0, decoded.length, into)
}

function parseEscapedItem(text: string, from: number, to: number, itemCount: number): number {
  const decoded = decodeNumber(text, from, to)
  return decoded === '' ? -1 : parseItemId(decoded, 0, decoded.length, itemCount)
}

/**
 * Undoes the escapes of a number, once. Empty when there is none to undo, or when the result could
 * not be a number: so what is returned has no `%`, and is read at most one more time.
 */
function decodeNumber(text: string, from: number, to: number): string {
  // A sign and 64 digits, all of them escaped.
  if (to - from > (DIGITS_MAX + 1) * 3) return ''
  let decoded = ''
  let hasEscape = false
  for (let index = from; index < to; index++) {
    let unit = text.charCodeAt(index)
    if (unit === PERCENT) {
      if (to - index < 3) return ''
      unit = hexByte(text, index + 1)
      index += 2
      hasEscape = true
    }
    if (unit !== PLUS && unit !== MINUS && (unit < ZERO || unit > ZERO + 9)) return ''
    decoded += String.fromCharCode(unit)
  }
  return hasEscape ? decoded : ''
}

/** `high` and `low` are the unsigned halves of the magnitude, which is at most 2^63. */
function store(into: Int64Halves, high: number, low: number, isNegative: boolean): void {
  if (!isNegative) {
    into.low = low | 0
    into.high = high | 0
    return
  }
  // Two's complement: invert, add one, and carry into the high half when the low one was zero.
  into.low = -low | 0
  into.high = (low === 0 ? -high : ~high) | 0
}

/**
 * Stores `leading * 10^9 + trailing` when an int64 holds it. `leading` is below 10^10 and
 * `trailing` below 10^9, so that with `leading` in pieces of 16 bits every product stays below
 * 2^53.
 */
function storeSplit(
  into: Int64Halves,
  leading: number,
  trailing: number,
  isNegative: boolean,
): boolean {
  const upper = Math.floor(leading / 0x1_0000) * 1e9 // counts 2^16; below 2^48
  const lower = (leading % 0x1_0000) * 1e9 + trailing // below 2^46
  const lowSum = (upper % 0x1_0000) * 0x1_0000 + lower
  const low = lowSum % TWO_32
  const high = Math.floor(upper / 0x1_0000) + Math.floor(lowSum / TWO_32)
  const isWithin = high < 0x8000_0000 || (isNegative && high === 0x8000_0000 && low === 0)
  if (isWithin) store(into, high, low, isNegative)
  return isWithin
}
