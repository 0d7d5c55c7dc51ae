import { expect, it } from 'vitest'
import { HASH_START, HASH_WORDS, USER, USER_WORDS } from '../../src/layout.ts'
import { createMemory } from '../../src/sale-handle.ts'
import { stateOf, EMPTY } from '../../src/user-word.ts'
import type { CountOrder, CountReport } from './count-users.ts'
import { runThreads } from './run-threads.ts'

const THREADS = 4

it.each([1, 2, 3])('never counts a user above a limit of %i while four threads count a few users in a few cells', async (userLimit) => {
  const { handle, words, layout } = createMemory({ items: 1, userLimit, reservationTtlMs: 1 })
  // Every user gets the same home cell, so that all of them fight for the same few.
  words.fill(0, HASH_START, HASH_START + HASH_WORDS)
  const ledger = new SharedArrayBuffer(3 * 4)
  const unfinished = new SharedArrayBuffer(4)
  new Int32Array(unfinished)[0] = THREADS
  const orders = Array.from({ length: THREADS }, (_, thread): CountOrder =>
    ({ handle, ledger, unfinished, seed: 104_729 * (thread + 1), turns: 400_000 }))
  const reports = await runThreads<CountReport>(new URL('./count-users.ts', import.meta.url), orders, 30_000)

  expect(reports.map(({ above }) => above)).toEqual([0, 0, 0, 0])
  for (const { accepted, refused } of reports) expect(Math.min(accepted, refused)).toBeGreaterThan(1000)
  const cells = Array.from({ length: layout.userCells }, (_, index) => words[layout.usersStart + index * USER_WORDS + USER.control]!)
  expect(cells.filter((control) => stateOf(control) !== EMPTY)).toEqual([])
  expect(words.subarray(layout.reachesStart, layout.usersStart).every((reach) => reach === 0)).toBe(true)
}, 40_000)
