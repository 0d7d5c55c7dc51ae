import { expect, test } from 'vitest'
import { runProgram } from '../../src/cli/program.ts'
import { findMax } from '../../src/index.ts'
import { startTarget } from './target.ts'

/** Serves at most three requests at once, each for 20 ms: 150 a second, whoever asks. */
function startCounter(): ReturnType<typeof startTarget> {
  const queue: (() => void)[] = []
  let busyCount = 0
  const next = (): void => {
    while (busyCount < 3 && queue.length > 0) {
      busyCount++
      const serve = queue.shift()
      setTimeout(() => {
        busyCount--
        serve?.()
        next()
      }, 20)
    }
  }
  return startTarget((_request, response) => {
    queue.push(() => response.end('served'))
    next()
  })
}

test('find-max finds the knee of a service with three places and runs below it', async () => {
  const counter = await startCounter()
  let stdout = ''
  const line = `find-max ${counter.url}/ --connections 32 --step-time 2s --duration 2s --quiet`
  const status = await runProgram([...line.split(' '), '--allow-saturated'], {
    stdout: (text) => {
      stdout += text
    },
    stderr: () => {},
    signal: new AbortController().signal,
  })
  expect(status).toBe(0)
  const [, knee, connections] = /knee +([\d.]+) iterations\/s with (\d+)/.exec(stdout) ?? []
  // It is full with three; the search knows powers of two. Timers may make it slower, never faster;
  // a step that the machine disturbed may leave the knee one further.
  expect([4, 8, 16]).toContain(Number(connections))
  expect(Number(knee)).toBeGreaterThan(30)
  expect(Number(knee)).toBeLessThan(160)
  const [, open] = /open loop at ([\d.]+)/.exec(stdout) ?? []
  expect(Number(open)).toBeCloseTo(Number(knee) * 0.8, 0)
  expect(stdout).toContain(`constant ${open}/s, Poisson`)
})

test('find-max refuses what has arrivals of its own or ends by itself', async () => {
  const counter = await startCounter()
  let stderr = ''
  const status = await runProgram(['find-max', `${counter.url}/`, '--rate', '5'], {
    stdout: () => {},
    stderr: (text) => {
      stderr += text
    },
    signal: new AbortController().signal,
  })
  expect(status).toBe(1)
  expect(stderr).toContain('--rate')
})

test.each([
  [2, 4],
  [700, 2],
])('a service that takes %d ms is measured within 5 %% of what %d connections can take, and they are told to be its limit', async (serviceMs, connections) => {
  let servedMs = 0
  let served = 0
  const target = await startTarget((_, response) => {
    const sinceMs = performance.now()
    setTimeout(() => {
      response.end('ok', () => {
        servedMs += performance.now() - sinceMs
        served++
      })
    }, serviceMs)
  })
  const rates: [number, number][] = []
  const found = await findMax(
    { request: { path: '/' } },
    { url: target.url, connections, durationMs: 100 },
    { stepMs: 1_500 },
    {},
    (step) => {
      // What the service took, on this machine as loaded as it is, not what it was told to take.
      rates.push([step.iterationsPerSecond, (step.connections * 1_000 * served) / servedMs])
      servedMs = served = 0
    },
  )
  expect(found.isLimitedByConnections).toBe(true)
  const [measured, possible] = rates.at(-1) ?? [0, 0]
  // The service's own figure has no network in it, which counts for much of a fast one on a busy machine.
  expect(measured).toBeLessThan(possible * 1.05)
  expect(measured).toBeGreaterThan(serviceMs > 100 ? possible * 0.88 : possible * 0.7)
})
