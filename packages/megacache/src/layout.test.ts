import { expect, it } from 'vitest'
import {
  BLOCK_SLOTS, CONTROL, HASH_START, HASH_WORDS, HEADER, HEADER_BYTES, ITEMS_MAX, layoutFor, LINE_WORDS, SLOT, SLOT_WORDS,
  SOLD_COUNT, TALLY_ROWS, TALLY_START, TALLY_WORDS, USER, USER_LIMIT_MAX, USER_WORDS,
} from './layout.ts'
import { REFUSAL_REASONS } from './refusal.ts'
import { COUNT_ONE, countOf, emptyAfter } from './user-word.ts'

it('keeps what never changes, what each request reads and what each sale writes on different cache lines', () => {
  const lines = [HEADER.magic, CONTROL.closed, SOLD_COUNT, HASH_START, TALLY_START].map((word) => Math.floor(word / LINE_WORDS))
  expect(new Set(lines).size).toBe(lines.length)
  expect(Math.max(...Object.values(HEADER)) * 4).toBeLessThan(HEADER_BYTES)
  expect(TALLY_START).toBe(HASH_START + HASH_WORDS)
})

it.each([1, 2, 3, 1000, 10_000, 15_872, 15_873, ITEMS_MAX])('lays out %i items without overlap, on whole lines', (items) => {
  const { userCells, slotsStart, blocks, blocksStart, reachesStart, usersStart, wordCount } = layoutFor(items)
  const ends = [
    [TALLY_START + TALLY_ROWS * TALLY_WORDS, slotsStart], [slotsStart + items * SLOT_WORDS, blocksStart],
    [blocksStart + blocks, reachesStart],
    [reachesStart + userCells, usersStart], [usersStart + userCells * USER_WORDS, wordCount],
  ] as const
  for (const [end, next] of ends) {
    expect(next).toBeGreaterThanOrEqual(end)
    expect(next - end).toBeLessThan(LINE_WORDS)
    expect(next % LINE_WORDS).toBe(0)
  }
  expect(blocks * BLOCK_SLOTS).toBeGreaterThanOrEqual(items)
  expect(Math.log2(userCells) % 1).toBe(0)
  expect(userCells).toBeGreaterThanOrEqual(items * 2)
})

it('has room for every field and every counter', () => {
  expect(Object.values(SLOT).toSorted((a, b) => a - b)).toEqual([...Array(SLOT_WORDS).keys()])
  expect(Object.values(USER).toSorted((a, b) => a - b)).toEqual([...Array(USER_WORDS).keys()])
  expect((5 + REFUSAL_REASONS.length) * 2).toBe(TALLY_WORDS)
})

it('counts up to the highest limit without touching the version, which wraps', () => {
  const top = (USER_LIMIT_MAX * COUNT_ONE) | 3
  expect(countOf(top)).toBe(USER_LIMIT_MAX)
  expect(countOf(emptyAfter(top))).toBe(0)
  const last = (2 ** 20 - 1) << 12
  expect(countOf(last + top)).toBe(USER_LIMIT_MAX)
  expect(emptyAfter(last + top)).toBe(0)
})

it('needs under two megabytes for ten thousand items', () => {
  expect(layoutFor(10_000).wordCount * 4).toBeLessThan(2 * 1024 * 1024)
})
