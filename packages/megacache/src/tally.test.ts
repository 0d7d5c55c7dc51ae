import { expect, it } from 'vitest'
import { CONTROL, TALLY_ROWS, TALLY_START, TALLY_WORDS } from './layout.ts'
import { ITEM_SOLD } from './refusal.ts'
import { EXPIRED, RESERVED, RESTORED, Tally } from './tally.ts'

function memory(threads: number): Int32Array<SharedArrayBuffer> {
  const words = new Int32Array(new SharedArrayBuffer(4 * (TALLY_START + TALLY_ROWS * TALLY_WORDS)))
  words[CONTROL.threads] = threads
  return words
}

it.each([0, TALLY_ROWS - 1, TALLY_ROWS + 5])('carries past 2^32 in the row of thread %i', (thread) => {
  const words = memory(TALLY_ROWS + 10)
  const tally = new Tally(words, thread)
  const low = TALLY_START + Math.min(thread, TALLY_ROWS - 1) * TALLY_WORDS + EXPIRED * 2
  words[low] = -2
  expect(tally.total(EXPIRED)).toBe(2 ** 32 - 2)
  for (let count = 0; count < 3; count++) tally.count(EXPIRED)
  expect(tally.total(EXPIRED)).toBe(2 ** 32 + 1)
})

it('sums what all threads counted, those that share a row included', () => {
  const words = memory(100)
  for (let thread = 0; thread < 100; thread++) {
    const tally = new Tally(words, thread)
    tally.count(RESERVED)
    tally.refused(ITEM_SOLD)
  }
  const reader = new Tally(words, 0)
  expect(reader.total(RESERVED)).toBe(100)
  expect(reader.refusals()).toMatchObject({ item_sold: 100, item_reserved: 0 })
})

it('knows how many slots are taken when one thread takes them and another frees them', () => {
  const words = memory(2)
  const [one, two] = [new Tally(words, 0), new Tally(words, 1)]
  for (let count = 0; count < 5; count++) one.count(RESERVED)
  one.count(RESTORED)
  for (let count = 0; count < 4; count++) two.count(EXPIRED)
  expect(two.taken()).toBe(2)
})
