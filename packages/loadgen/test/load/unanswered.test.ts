import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { defineScenario, type LoadClock, type LoadOptions, type LoadRun, runLoad, runText } from '../../src/index.ts'
import { systemClock } from '../../src/load-clock.ts'
import { startTarget } from './target.ts'

const TIMEOUT_MS = 250

type Answerer = (request: IncomingMessage, response: ServerResponse) => void

/** Answers at once, but for every tenth request, which it treats in another way. */
function everyTenth(other: Answerer): Answerer {
  let count = 0
  return (request, response) => (++count % 10 === 0 ? other(request, response) : void response.end('ok'))
}

const HANG: Answerer = () => {}
const RESET: Answerer = (request) => void request.socket.destroy()

async function load(answer: Answerer, options: Partial<LoadOptions>): Promise<LoadRun['result']> {
  const target = await startTarget(answer)
  const { result } = await runLoad({ request: { path: '/' } }, { url: target.url, ...options })
  return result
}

/** A clock on which everything lasts `factor` times as long as it does. */
function fastClock(factor: number): LoadClock {
  return {
    ...systemClock,
    monotonicMs: () => systemClock.monotonicMs() * factor,
    setTimer: (delayMs, run) => systemClock.setTimer(delayMs / factor, run),
  }
}

describe('a request without an answer', () => {
  test.each([
    ['hangs', HANG, false, 'open'],
    ['hangs', HANG, true, 'open'],
    ['hangs', HANG, true, 'closed'],
    ['is reset', RESET, false, 'open'],
    ['is reset', RESET, true, 'open'],
  ] as const)('that %s counts as at least its time-out (%s, lean %s, %s loop)', async (_, other, lean, loop) => {
    const result = await load(everyTenth(other), {
      lean,
      connections: 20,
      durationMs: 600,
      requestTimeoutMs: TIMEOUT_MS,
      rideThroughMs: 10_000,
      thresholds: [`p99<${TIMEOUT_MS}ms`, `send.p99<${TIMEOUT_MS}ms`, 'p99<60s'],
      ...(loop === 'open' ? { arrivals: { kind: 'constant', perSecond: 200 } as const } : {}),
    })
    const [step] = result.steps
    expect(step?.noAnswerCount).toBeGreaterThan(0)
    const { answerCount = 0, noAnswerCount = 0, cutCount = 0, unsentCount = 0 } = step ?? {}
    expect(step?.dueLatency.count).toBe(answerCount + noAnswerCount + cutCount + unsentCount)
    expect(step?.dueLatency.summaryMs.p99).toBeGreaterThanOrEqual(TIMEOUT_MS)
    expect(step?.sendLatency.count).toBe(step?.answerCount)
    expect(result.thresholds.map(({ isMet }) => isMet)).toEqual([false, false, true])
    const worst = Math.max(...result.series.points.map(({ dueMs }) => dueMs.max))
    expect(worst).toBe(step?.dueLatency.summaryMs.max)
    expect(runText(result)).toContain('without an answer')
  })

  test('is all there is: the percentiles are its time-out, not nothing', async () => {
    const result = await load(HANG, {
      connections: 2,
      durationMs: 300,
      requestTimeoutMs: TIMEOUT_MS,
      thresholds: [`p50<${TIMEOUT_MS}ms`],
    })
    expect(result.answerCount).toBe(0)
    expect(result.steps[0]?.dueLatency.summaryMs.p50).toBeGreaterThanOrEqual(TIMEOUT_MS)
    expect(result.thresholds[0]).toMatchObject({ isMet: false })
    expect(result.thresholds[0]?.measured).toBeGreaterThanOrEqual(TIMEOUT_MS)
  })
})

describe('the end of a run', () => {
  test('waits for an answer as long as the time-out, however long that is', async () => {
    // On this clock the answer takes 6 s and the run 1 s.
    const late: Answerer = (_request, response) => void setTimeout(() => response.end('late'), 600)
    const result = await load(late, {
      connections: 3,
      durationMs: 1_000,
      requestTimeoutMs: 60_000,
      clock: fastClock(10),
    })
    expect(result.steps[0]).toMatchObject({ answerCount: 3, noAnswerCount: 0, errorCount: 0, cutCount: 0 })
  })

  test('gives a request that hangs its time-out, and then it is an error of the target', async () => {
    const result = await load(HANG, { connections: 3, durationMs: 100, requestTimeoutMs: TIMEOUT_MS })
    expect(result.steps[0]).toMatchObject({ answerCount: 0, noAnswerCount: 3, errorCount: 3, cutCount: 0 })
  })

  test.each([true, false])('cuts what a stop does not wait for, which is no error of the target (lean %s)', async (lean) => {
    const stop = new AbortController()
    const target = await startTarget(() => stop.abort())
    const { result } = await runLoad(
      { request: { path: '/' } },
      { url: target.url, lean, connections: 3, durationMs: 60_000, requestTimeoutMs: 60_000, clock: fastClock(20) },
      { signal: stop.signal },
    )
    expect(result.ended).toBe('stopped')
    expect(result).toMatchObject({ noAnswerCount: 0, errorCount: 0 })
    const [step] = result.steps
    expect(step).toMatchObject({ answerCount: 0, noAnswerCount: 0, errorCount: 0, cutCount: 3 })
    expect(step?.outcomes).toEqual([{ status: 0, reason: 'CUT_BY_GENERATOR', count: 3 }])
    // They have waited for as long as that: less is not known.
    expect(step?.dueLatency.count).toBe(3)
    expect(runText(result)).toContain('cut by the generator')
  })
})

describe('an arrival that is due and never sent', () => {
  test.each([
    ['waits for a connection', 1_000, 10_000],
    ['waits for a user', 1, 10_000],
    ['finds the backlog full', 1_000, 5],
  ])('because it %s is told as dropped, and has no answer in the percentiles', async (_, users, backlogMax) => {
    const target = await startTarget(HANG)
    const scenario = defineScenario({
      steps: ['only'],
      users,
      async iterate(user) {
        await user.get('only', '/')
      },
    })
    const { result } = await runLoad(scenario, {
      url: target.url,
      connections: 1,
      durationMs: 500,
      requestTimeoutMs: TIMEOUT_MS,
      backlogMax,
      arrivals: { kind: 'constant', perSecond: 100 },
    })
    const { dueCount, droppedCount, completedCount, unfinishedCount } = result.arrivals
    expect(dueCount).toBe(50)
    expect(droppedCount).toBeGreaterThan(30)
    expect(completedCount + droppedCount + unfinishedCount).toBe(dueCount)
    const [step] = result.steps
    expect(step?.unsentCount).toBe(droppedCount)
    expect(step?.dueLatency.count).toBe(dueCount)
    expect(step?.dueLatency.summaryMs.p50).toBeGreaterThanOrEqual(TIMEOUT_MS)
    expect(result.series.points.reduce((sum, point) => sum + point.droppedCount, 0)).toBe(droppedCount)
    expect(runText(result)).toContain('never sent')
  })

  test('is sent in the drain when somebody becomes free for it', async () => {
    // One user, who is busy for 40 ms with each of the arrivals, 20 ms apart.
    const slow: Answerer = (_request, response) => void setTimeout(() => response.end('ok'), 40)
    const target = await startTarget(slow)
    const scenario = defineScenario({
      steps: ['only'],
      users: 1,
      async iterate(user) {
        await user.get('only', '/')
      },
    })
    const { result } = await runLoad(scenario, {
      url: target.url,
      connections: 1,
      durationMs: 200,
      arrivals: { kind: 'constant', perSecond: 50 },
    })
    expect(result.arrivals).toMatchObject({ dueCount: 10, completedCount: 10, droppedCount: 0, unfinishedCount: 0 })
    expect(result.steps[0]?.answerCount).toBe(10)
  })
})
