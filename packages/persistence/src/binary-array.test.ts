import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CodeColumn, Int32Column, SafeIntegerColumn, TimeColumn, UserColumn } from './binary-array.ts'

/** Reads what PostgreSQL would: the element type and each element's bytes. */
function decode(bytes: Buffer): { type: number, elements: Buffer[] } {
  expect([bytes.readInt32BE(0), bytes.readInt32BE(4), bytes.readInt32BE(16)]).toEqual([1, 0, 1])
  const elements: Buffer[] = []
  let at = 20
  for (let index = 0; index < bytes.readInt32BE(12); index += 1) {
    const length = bytes.readInt32BE(at)
    elements.push(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  expect(at).toBe(bytes.length)
  return { type: bytes.readInt32BE(8), elements }
}

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

describe('a binary column', () => {
  test('carries every int32, and -1 for what is none', () => {
    const column = new Int32Column<number>((value) => value)
    fc.assert(fc.property(fc.array(int32), (values) => {
      const { type, elements } = decode(column.encode(values))
      expect(type).toBe(23)
      expect(elements.map((element) => element.readInt32BE())).toEqual(values)
    }))
    const odd = decode(column.encode([2 ** 31, 0.5, Number.NaN, -(2 ** 31) - 1, Infinity]))
    expect(odd.elements.map((element) => element.readInt32BE())).toEqual([-1, -1, -1, -1, -1])
  })

  test('carries every safe integer, and -1 for what is none', () => {
    const column = new SafeIntegerColumn<number>((value) => value)
    fc.assert(fc.property(fc.array(fc.maxSafeInteger()), (values) => {
      const { type, elements } = decode(column.encode(values))
      expect(type).toBe(20)
      expect(elements.map((element) => Number(element.readBigInt64BE()))).toEqual(values)
    }))
    expect(decode(column.encode([2 ** 53, Number.NaN])).elements.map((element) => element.readBigInt64BE())).toEqual([-1n, -1n])
  })

  test('joins the halves of every int64 user', () => {
    const column = new UserColumn()
    fc.assert(fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), (users) => {
      const rows = users.map((user) => ({
        userLow: Number(BigInt.asIntN(32, user)), userHigh: Number(BigInt.asIntN(32, user >> 32n)),
      }))
      expect(decode(column.encode(rows)).elements.map((element) => element.readBigInt64BE())).toEqual(users)
    }))
  })

  test('joins the words of every code', () => {
    const column = new CodeColumn()
    fc.assert(fc.property(fc.array(fc.tuple(int32, int32, int32, int32)), (codes) => {
      const rows = codes.map(([codeWord0, codeWord1, codeWord2, codeWord3]) => ({ codeWord0, codeWord1, codeWord2, codeWord3 }))
      const { type, elements } = decode(column.encode(rows))
      expect(type).toBe(2950)
      expect(elements.map((element) => [0, 4, 8, 12].map((at) => element.readInt32BE(at)))).toEqual(codes)
    }))
  })

  test('turns milliseconds into microseconds since 2000, before and after it', () => {
    const column = new TimeColumn<number>((value) => value)
    const { type, elements } = decode(column.encode([946_684_800_000, 0, 946_684_800_000.5, 9_000_000_000_000]))
    expect(type).toBe(1184)
    expect(elements.map((element) => element.readBigInt64BE())).toEqual(
      [0n, -946_684_800_000_000n, 500n, 8_053_315_200_000_000n])
  })

  test('sends a time that is none as one that PostgreSQL refuses, never as infinity', () => {
    const column = new TimeColumn<number>((value) => value)
    const refused = decode(column.encode([Number.NaN, Infinity, 1e300])).elements.map((element) => element.readBigInt64BE())
    // END_TIMESTAMP of PostgreSQL's timestamp.h; 2^63 - 1 would be infinity.
    expect(refused.every((value) => value >= 9_223_371_331_200_000_000n && value < 2n ** 63n - 1n)).toBe(true)
  })

  test('is right again after a larger batch used its memory', () => {
    const column = new Int32Column<number>((value) => value)
    column.encode([1, 2, 3, 4, 5, 6, 7, 8])
    expect(decode(column.encode([9])).elements.map((element) => element.readInt32BE())).toEqual([9])
    expect(decode(column.encode([])).elements).toEqual([])
  })
})
