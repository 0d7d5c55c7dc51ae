import { expect, it } from 'vitest'
import type { RefuseReport } from './refuse.ts'
import { runThreads } from './run-threads.ts'

it('allocates nothing for a refusal but what reading the clock costs', async () => {
  const [report] = await runThreads<RefuseReport>(new URL('./refuse.ts', import.meta.url), [{}], 20_000)
  const { item_sold, malformed_code, unknown_code, item_reserved, user_limit_reached, already_purchased } = report!
  // The smallest object takes 16 bytes; a part of one is the engine compiling itself.
  expect(Math.max(item_sold!, malformed_code!)).toBeLessThan(8)
  // `process.hrtime` makes an array and two numbers.
  expect(Math.max(unknown_code!, item_reserved!, user_limit_reached!, already_purchased!)).toBeLessThan(160)
}, 30_000)
