import { expect, test } from 'vitest'
import { runLoad } from '../../src/index.ts'
import { warmUp } from '../../src/threads/warm-up.ts'
import { startTarget } from './target.ts'

test.each([false, true])('a thread warms itself once, against a socket of its own (lean %s)', async (lean) => {
  const target = await startTarget((_request, response) => void response.end('ok'))
  const handles = (): number => process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name)).length
  const before = handles()
  const first = warmUp(lean)
  expect(await first).toBeGreaterThan(10)
  expect(warmUp(lean)).toBe(first)
  await expect.poll(handles).toBeLessThanOrEqual(before)
  // The run takes what is warm, and the target sees nothing of it.
  const arrivals = { kind: 'constant', perSecond: 50 } as const
  const { result } = await runLoad({ request: { path: '/' } }, { url: target.url, lean, durationMs: 200, arrivals })
  expect(result.answerCount).toBe(10)
  expect(target.requestCount).toBe(10)
})
