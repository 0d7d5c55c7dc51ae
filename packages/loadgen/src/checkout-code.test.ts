import { expect, test } from 'vitest'
import { isCheckoutCode, saleIdOfCode } from './checkout-code.ts'

test('a code names its sale in any case of its letters', () => {
  expect(saleIdOfCode('6b49d200-0000-8000-8000-000000000000')).toBe(1_800_000_000)
  expect(saleIdOfCode('FFFFFFFF-0000-8000-8000-000000000000')).toBe(4_294_967_295)
})

test('only 36 characters in the shape of a UUID are a code', () => {
  const code = '6b49d200-0000-8000-8000-000000000000'
  expect(isCheckoutCode(code)).toBe(true)
  expect(isCheckoutCode(code.toUpperCase())).toBe(true)
  for (const text of [
    '',
    `${code}\n`,
    `{${code}}`,
    code.replaceAll('-', ''),
    code.replace('6', 'g'),
  ]) {
    expect(isCheckoutCode(text)).toBe(false)
  }
})
