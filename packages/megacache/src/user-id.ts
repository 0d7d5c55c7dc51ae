import { MegacacheError, shownValue } from './megacache-error.ts'

/**
 * A 64-bit integer as two Int32 halves in two's complement: `value = high * 2^32 + (low >>> 0)`.
 * How the engine keeps a user id; give it in this form to avoid an allocation.
 */
export interface Int64Words {
  readonly low: number
  readonly high: number
}

/**
 * Who reserves: any int64. A bigint, a safe integer, a decimal string (`+` or `-`, then 1 to 64 digits) or
 * its two halves. The same number is the same user in every form.
 */
export type UserId = bigint | number | string | Int64Words

const TWO_32 = 4_294_967_296
/** 15 decimal digits are exact in a double with room to spare; the rest is added in a second step. */
const EXACT_DIGITS = 15
const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** A reusable result, so that reading a user id allocates nothing. Owned by one `Megacache` instance. */
export class UserIdReader implements Int64Words {
  low = 0
  high = 0

  /** Reads any form into this object. Throws `invalid_user_id`. */
  read(userId: UserId): void {
    if (typeof userId === 'number') {
      if (!Number.isSafeInteger(userId)) throw invalid(userId, 'a number must be a safe integer')
      this.low = userId | 0
      this.high = Math.floor(userId / TWO_32) | 0
    } else if (typeof userId === 'bigint') {
      if (userId < INT64_MIN || userId > INT64_MAX) throw invalid(userId, 'it is outside int64')
      this.low = Number(BigInt.asIntN(32, userId))
      this.high = Number(BigInt.asIntN(32, userId >> 32n))
    } else if (typeof userId === 'string') {
      if (!this.#readDecimal(userId)) throw invalid(userId, 'a string must be a decimal integer within int64')
    } else if (typeof userId === 'object' && userId !== null && isInt32(userId.low) && isInt32(userId.high)) {
      this.low = userId.low
      this.high = userId.high
    } else throw invalid(userId, 'it must be a bigint, a safe integer, a decimal string or two Int32 halves')
  }

  #readDecimal(text: string): boolean {
    const first = text.charCodeAt(0)
    const isNegative = first === 0x2d
    let at = isNegative || first === 0x2b ? 1 : 0
    const digits = text.length - at
    if (digits < 1 || digits > 64) return false
    let magnitude = 0
    if (digits <= EXACT_DIGITS) {
      for (; at < text.length; at++) {
        const digit = text.charCodeAt(at) - 48
        if (digit < 0 || digit > 9) return false
        magnitude = magnitude * 10 + digit
      }
      this.low = magnitude | 0
      this.high = Math.floor(magnitude / TWO_32) | 0
      if (isNegative) this.#negate()
      return true
    }
    for (let i = at; i < text.length; i++) {
      const digit = text.charCodeAt(i) - 48
      if (digit < 0 || digit > 9) return false
    }
    const value = isNegative ? -BigInt(text.slice(at)) : BigInt(text.slice(at))
    if (value < INT64_MIN || value > INT64_MAX) return false
    this.low = Number(BigInt.asIntN(32, value))
    this.high = Number(BigInt.asIntN(32, value >> 32n))
    return true
  }

  #negate(): void {
    this.high = this.low === 0 ? -this.high | 0 : ~this.high
    this.low = -this.low | 0
  }
}

/** The user id as a bigint, from its two halves. */
export function userIdOf(low: number, high: number): bigint {
  PAIR.setInt32(0, low, true)
  PAIR.setInt32(4, high, true)
  return PAIR.getBigInt64(0, true)
}

/** Three times as fast as shifting bigints; emptied and filled within one call. */
const PAIR = new DataView(new ArrayBuffer(8))

function isInt32(value: unknown): boolean {
  return typeof value === 'number' && (value | 0) === value
}

function invalid(userId: unknown, why: string): MegacacheError {
  const shown = typeof userId === 'string' ? JSON.stringify(userId.slice(0, 80)) : shownValue(userId)
  return new MegacacheError('invalid_user_id', `user id ${shown} is not valid: ${why}`)
}
