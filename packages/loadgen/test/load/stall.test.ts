import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { type LoadRun, runLoad } from '../../src/index.ts'
import { startTarget } from './target.ts'

const STALL_MS = 1_000

/** Answers at once, but for one second in which it answers nobody. */
async function runAgainstStall(rate: number | undefined): Promise<LoadRun['result']> {
  const held: ServerResponse[] = []
  let stallFromMs = 0
  const target = await startTarget((_request, response) => {
    const nowMs = performance.now()
    stallFromMs ||= nowMs + 1_000
    const isStalled = nowMs >= stallFromMs && nowMs < stallFromMs + STALL_MS
    if (isStalled) held.push(response)
    else response.end('ok')
    if (held.length !== 1) return
    setTimeout(() => {
      for (const each of held.splice(0)) each.end('late')
    }, stallFromMs + STALL_MS - nowMs)
  })
  const { result } = await runLoad(
    { request: { path: '/' } },
    {
      url: target.url,
      connections: 4,
      durationMs: 4_000,
      ...(rate === undefined ? {} : { arrivals: { kind: 'constant', perSecond: rate } }),
    },
  )
  return result
}

test('a target that stalls for a second is seen by the due-time p99 and not by a closed loop', async () => {
  const open = await runAgainstStall(100)
  const closed = await runAgainstStall(undefined)
  const [openStep] = open.steps
  const [closedStep] = closed.steps
  // A quarter of the arrivals were due in the stall, so its percentiles from 75 on belong to it.
  expect(openStep?.dueLatency.summaryMs.p99).toBeGreaterThan(0.8 * STALL_MS)
  expect(openStep?.dueLatency.summaryMs.p90).toBeGreaterThan(0.4 * STALL_MS)
  expect(open.arrivals).toMatchObject({ dueCount: 400, droppedCount: 0, unfinishedCount: 0 })
  expect(openStep?.answerCount).toBe(400)
  // Only the four requests under way knew of it; all others waited for their turn, as the lag says.
  expect(openStep?.sendLatency.summaryMs.p90).toBeLessThan(0.4 * STALL_MS)
  expect(openStep?.sendLag.summaryMs.p99).toBeGreaterThan(0.6 * STALL_MS)
  // The closed loop asked no more while it stalled: four of thousands are no percentile.
  expect(closedStep?.answerCount).toBeGreaterThan(1_000)
  expect(closedStep?.dueLatency.summaryMs.p99).toBeLessThan(0.4 * STALL_MS)
  expect(closedStep?.dueLatency.summaryMs.max).toBeGreaterThan(0.8 * STALL_MS)
})
