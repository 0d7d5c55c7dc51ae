import { expect, it } from 'vitest'
import type { PassOrder, PassReport } from './pass-users.ts'
import { runThreads } from './run-threads.ts'

it('forgets users: ten million distinct ones through a full sale cost neither memory nor speed', async () => {
  const order: PassOrder = { items: 10_000, users: 10_000_000, chunk: 250_000 }
  const file = new URL('./pass-users.ts', import.meta.url)
  const [report] = await runThreads<PassReport>(file, [order], 80_000)
  const { ratios, reaches, audit, reserved } = report!

  // The median of pairs taken at the same moment: other work on the machine makes both of most pairs slower.
  expect(ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)]).toBeLessThan(1.5)
  // The memory is one buffer of constant size; what could grow in it is how far a search has to look.
  expect(reaches.at(-1)! / reaches[3]!).toBeLessThan(1.35)
  expect(audit).toEqual([])
  expect(reserved).toBe(order.items)
}, 90_000)
