import type { CheckoutCodeReader } from 'megacache'
import { findParameter, parameterText, type TextRange } from './parse-query.ts'

const CODE_LENGTH = 36
const range: TextRange = { from: 0, to: 0 }

/** Reads the parameter `code` of a request target, where it stands unless it has escapes. */
export function findCode(url: string, queryFrom: number, into: CheckoutCodeReader): boolean {
  if (!findParameter(url, queryFrom, 'code', range)) return false
  return readCode(url, range.from, range.to, into)
}

/** Reads a code that is all of the text between two places. */
export function readCode(text: string, from: number, to: number, into: CheckoutCodeReader): boolean {
  if (to - from === CODE_LENGTH && into.read(text, from)) return true
  const decoded = parameterText(text, { from, to })
  return decoded !== undefined && decoded.length === CODE_LENGTH && into.read(decoded)
}
