import { afterEach, expect, test } from 'vitest'
import { Deadlines, type Waiting } from './deadlines.ts'

const deadlines = new Deadlines()
afterEach(() => { deadlines.stop() })

/** Notes its name when it is given up. */
function waiting(name: string, order: string[]): Waiting {
  const self = { isAnswered: false, giveUp: () => { self.isAnswered = true; order.push(name) } }
  return self
}

// Spec 5.5. Ticks were counted once: every stall of the thread was added to what its clients waited.
test('a request is given up after five seconds, also when its thread stood still meanwhile; one that has waited before, earlier', { timeout: 20_000 }, async () => {
  const order: string[] = []
  const after = (ms: number): Promise<void> => new Promise((resolve) => {
    setTimeout(() => { order.push(`${ms} ms`); resolve() }, ms)
  })
  const ends = [2_000, 4_900, 6_000].map(after)
  const answered = { isAnswered: true, giveUp: () => order.push('an answered one') }
  deadlines.add(answered)
  deadlines.add(waiting('new', order))
  deadlines.add(waiting('has waited', order), performance.now() - 4_000)
  await ends[0]
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500)
  await Promise.all(ends)
  expect(order).toEqual(['has waited', '2000 ms', '4900 ms', 'new', '6000 ms'])
})
