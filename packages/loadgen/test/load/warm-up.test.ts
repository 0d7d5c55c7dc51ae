import { expect, onTestFinished, test } from 'vitest'
import { defineScenario, runLoad } from '../../src/index.ts'
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

// Undici takes no request from within its failure to connect: an assertion of its own ended the process.
test.each([false, true])('a target that is gone when the warmed connections open is unreachable, not an exception (lean: %s)', async (lean) => {
  const target = await startTarget(() => {})
  const { url } = target
  await new Promise((closed) => { target.server.close(closed) })
  const uncaught: unknown[] = []
  const heard = (error: unknown): void => void uncaught.push(error)
  process.on('uncaughtException', heard)
  onTestFinished(() => void process.off('uncaughtException', heard))
  const scenario = defineScenario({
    steps: ['only'],
    preconnectPath: '/',
    async iterate(user) {
      await user.get('only', '/')
    },
  })
  const { result } = await runLoad(scenario, { url, lean, connections: 3, durationMs: 10_000, rideThroughMs: 200 })
  expect(result).toMatchObject({ ended: 'target_unreachable', answerCount: 0 })
  expect(uncaught).toEqual([])
})
