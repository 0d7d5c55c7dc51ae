import { type CheckoutCodeWords, codeWord1, codeWord2, formatCheckoutCode } from '../checkout-code.ts'
import { MegacacheError, shownValue } from '../megacache-error.ts'
import { RandomWords } from '../random-words.ts'
import type { UserId } from '../user-id.ts'

const CODE = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const DECIMAL = /^[+-]?[0-9]{1,64}$/
const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** A code in the one text that the model compares, or undefined when it is malformed. */
export function codeIn(code: string | CheckoutCodeWords): string | undefined {
  if (typeof code === 'string') return CODE.test(code) ? code.toLowerCase() : undefined
  return typeof code === 'object' && code !== null ? formatCheckoutCode(code) : undefined
}

/** A code that was never given before. */
export function newCode(saleId: number, itemId: number): string {
  const random = new RandomWords()
  const [random0, random1] = [random.take(), random.take()]
  return formatCheckoutCode({
    word0: saleId | 0, word1: codeWord1(itemId, 1, random0), word2: codeWord2(random0), word3: random1,
  })
}

/** The user as a bigint. Throws `invalid_user_id`. */
export function userIn(userId: UserId): bigint {
  const value = bigintOf(userId)
  if (value !== undefined && value >= INT64_MIN && value <= INT64_MAX) return value
  throw new MegacacheError('invalid_user_id', `user id ${shownValue(userId)} is not an int64`)
}

function bigintOf(userId: UserId): bigint | undefined {
  if (typeof userId === 'bigint') return userId
  if (typeof userId === 'number') return Number.isSafeInteger(userId) ? BigInt(userId) : undefined
  if (typeof userId === 'string') {
    if (!DECIMAL.test(userId)) return undefined
    const isNegative = userId.startsWith('-')
    const magnitude = BigInt(userId.replace(/^[+-]/, ''))
    return isNegative ? -magnitude : magnitude
  }
  if (typeof userId !== 'object' || userId === null) return undefined
  const { low, high } = userId
  const areHalves = Number.isInteger(low) && Number.isInteger(high) && (low | 0) === low && (high | 0) === high
  return areHalves ? BigInt(high) * 2n ** 32n + BigInt(low >>> 0) : undefined
}
