import { getEventListeners } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { defineScenario, type LoadClock, runLoad, type RunProgress } from '../../src/index.ts'
import { systemClock } from '../../src/load-clock.ts'
import { startTarget, type Target } from './target.ts'

/** A tiny blog: a list of articles and the articles. */
function startBlog(): Promise<Target> {
  return startTarget((request, response) => {
    if (request.method === 'POST') {
      let body = ''
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      request.on('end', () => {
        response.statusCode = 201
        response.end(`${request.headers['content-type']} ${body}`)
      })
    } else if (request.url === '/articles') response.end('[1,2,3]')
    else if (request.url === '/articles/9') {
      response.statusCode = 404
      response.end('{"reason":"no_such_article"}')
    } else response.end('article')
  })
}

/** Timers of about `delayMs`, as that at the end of a warm-up, are late. */
function clockLateFor(delayMs: number, lateMs: number): LoadClock {
  return {
    ...systemClock,
    setTimer: (ms, run) => systemClock.setTimer(ms > delayMs - 100 && ms <= delayMs ? ms + lateMs : ms, run),
  }
}

describe('a scenario', () => {
  test('chains requests, keeps a state for each user and counts', async () => {
    const blog = await startBlog()
    const seen: number[] = []
    const scenario = defineScenario({
      steps: ['list', 'open', 'comment'],
      shared: async ({ target }) => ({ articles: (await target.getJson('/articles')) as number[] }),
      user: (user) => ({ visits: 0, favourite: user.shared.articles[user.index % 3] ?? 0 }),
      async iterate(user) {
        user.state.visits++
        seen.push(user.state.visits)
        const list = await user.get('list', '/articles')
        expect(list.json()).toEqual([1, 2, 3])
        const open = await user.get('open', `/articles/${user.state.favourite}`)
        expect(open).toMatchObject({ status: 200, body: 'article' })
        const comment = await user.post('comment', '/comments', { text: `hé ${user.parameters['word']}` })
        expect(Buffer.from(comment.body, 'latin1').toString()).toBe('application/json {"text":"hé x"}')
        user.count('comments')
      },
    })
    const load = { url: blog.url, connections: 2, users: 2, durationMs: 1_000 }
    const options = { ...load, parameters: { word: 'x' } }
    const { result } = await runLoad(scenario, options)
    const [list, open, comment] = result.steps
    expect(list?.answerCount).toBeGreaterThan(2)
    expect(open?.answerCount).toBeLessThanOrEqual(list?.answerCount ?? 0)
    expect(comment?.outcomes).toEqual([{ status: 201, reason: '', count: comment?.answerCount }])
    expect(result.counters['comments']).toBe(result.arrivals.completedCount)
    expect(Math.max(...seen)).toBeGreaterThan(1)
    expect(result.errorCount).toBe(0)
    expect(result.ended).toBe('completed')
  })

  test('tells an error from a refusal that was expected', async () => {
    const blog = await startBlog()
    const { result } = await runLoad(
      defineScenario({
        steps: ['bad', 'expected'],
        async iterate(user) {
          await user.get('bad', '/articles/9')
          await user.request('expected', { path: '/articles/9', expectedStatuses: [404] })
        },
      }),
      { url: blog.url, connections: 1, durationMs: 200 },
    )
    const [bad, expected] = result.steps
    expect(bad?.errorCount).toBe(bad?.answerCount)
    expect(bad?.outcomes[0]).toMatchObject({ status: 404, reason: 'no_such_article' })
    expect(expected?.errorCount).toBe(0)
  })

  test('draws the same random numbers for the same seed', async () => {
    const blog = await startBlog()
    const drawn = async (seed: number): Promise<number[]> => {
      const numbers: number[] = []
      const stop = new AbortController()
      await runLoad(
        defineScenario({
          steps: ['open'],
          async iterate(user) {
            if (numbers.length < 5) numbers.push(user.random.below(1_000_000))
            else stop.abort()
            await user.get('open', '/articles')
          },
        }),
        { url: blog.url, connections: 1, users: 5, durationMs: 10_000, seed },
        { signal: stop.signal },
      )
      return numbers
    }
    const first = await drawn(1)
    expect(first.length).toBe(5)
    expect(await drawn(1)).toEqual(first)
    expect(await drawn(2)).not.toEqual(first)
  })

  test('that throws, or asks for what is no request, ends the run as its own mistake', async () => {
    const blog = await startBlog()
    const run = (iterate: () => Promise<void>): Promise<unknown> =>
      runLoad(defineScenario({ steps: ['a'], iterate }), { url: blog.url, durationMs: 500 })
    await expect(run(() => Promise.reject(new Error('typo')))).rejects.toMatchObject({
      code: 'LOADGEN_SCENARIO_INVALID',
      message: expect.stringContaining('typo'),
    })
    const bad = defineScenario({
      steps: ['a'],
      iterate: async (user) => void (await user.get('a', '/with space')),
    })
    await expect(runLoad(bad, { url: blog.url, durationMs: 500 })).rejects.toMatchObject({
      code: 'LOADGEN_SCENARIO_INVALID',
    })
    for (let i = 0; i < 100 && (await blog.openConnections()) > 0; i++) await sleep(10)
    expect(await blog.openConnections()).toBe(0)
  })

  test('that makes no request does not block the thread', async () => {
    const blog = await startBlog()
    const idle = defineScenario({ steps: [], iterate: async () => {} })
    const { result } = await runLoad(idle, { url: blog.url, connections: 1, durationMs: 200 })
    expect(result.arrivals.completedCount).toBeGreaterThan(2)
    expect(result.invalidReasons.map(({ code }) => code)).toContain('nothing_measured')
  })
})

describe('an open loop', () => {
  test.each([0, 300])('begins every arrival, and counts none of the warm-up, whose timer is %d ms late', async (lateMs) => {
    const blog = await startBlog()
    const clock = clockLateFor(1_000, lateMs)
    const startedMs = performance.now()
    const { result } = await runLoad(
      { request: { path: '/articles' } },
      {
        url: blog.url,
        connections: 4,
        warmupMs: 1_000,
        durationMs: 1_000,
        arrivals: { kind: 'constant', perSecond: 100 },
        clock,
      },
    )
    const tookMs = performance.now() - startedMs
    expect(blog.requestCount).toBe(200)
    expect(result.steps[0]?.answerCount).toBe(100)
    expect(result.warmupMs).toBe(1_000)
    expect(result.arrivals).toMatchObject({ dueCount: 100, startedCount: 100, unfinishedCount: 0 })
    expect(result.elapsedMs + 1_000).toBeLessThanOrEqual(tookMs)
    const points = result.series.points
    expect(points.reduce((sum, point) => sum + point.answerCount, 0)).toBe(100)
    expect(points.every(({ atMs }) => atMs >= 0)).toBe(true)
  })

  test('counts none of the warm-up when nothing happens until its late timer', async () => {
    const blog = await startBlog()
    const { result } = await runLoad(
      { request: { path: '/articles' } },
      {
        url: blog.url,
        warmupMs: 300,
        durationMs: 700,
        arrivals: { kind: 'trace', dueMs: [10, 900] },
        clock: clockLateFor(300, 400),
      },
    )
    expect(blog.requestCount).toBe(2)
    expect(result.arrivals).toMatchObject({ dueCount: 1, startedCount: 1, completedCount: 1 })
  })

  test('drops what the backlog has no room for, says so, and is INVALID', async () => {
    const target = await startTarget((_request, response) => void setTimeout(() => response.end(), 200))
    const { result } = await runLoad(
      { request: { path: '/' } },
      {
        url: target.url,
        connections: 1,
        backlogMax: 10,
        durationMs: 1_000,
        arrivals: { kind: 'constant', perSecond: 100 },
      },
    )
    const { dueCount, droppedCount, startedCount, backlogCountMax } = result.arrivals
    expect(dueCount).toBe(100)
    expect(droppedCount).toBeGreaterThan(50)
    expect(startedCount + droppedCount).toBe(dueCount)
    expect(backlogCountMax).toBe(10)
    expect(result.invalidReasons.map(({ code }) => code)).toContain('arrivals_dropped')
    // What was due before the end was still sent, but for what the drain had no time for.
    expect(result.steps[0]?.answerCount).toBe(startedCount)
  })

  test('lets users that think be many more than the connections', async () => {
    const blog = await startBlog()
    let thinkingCount = 0
    let thinkingCountMax = 0
    const thinking = defineScenario({
      steps: ['open'],
      users: 500,
      async iterate(user) {
        await user.get('open', '/articles')
        thinkingCountMax = Math.max(thinkingCountMax, ++thinkingCount)
        await user.pause(300)
        thinkingCount--
        await user.get('open', '/articles')
      },
    })
    const { result } = await runLoad(thinking, {
      url: blog.url,
      connections: 2,
      durationMs: 1_500,
      arrivals: { kind: 'constant', perSecond: 100, isPoisson: true },
    })
    expect(thinkingCountMax).toBeGreaterThan(10)
    expect(result.arrivals.completedCount).toBeGreaterThan(0)
    expect(result.arrivals.droppedCount).toBe(0)
    expect(blog.connectionCount).toBeLessThanOrEqual(2)
  })
})

describe('threads', () => {
  test('share connections, arrivals and users of a scenario file', async () => {
    const blog = await startBlog()
    const folder = mkdtempSync(join(tmpdir(), 'loadgen-scenario-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'scenario.ts')
    const index = new URL('../../src/index.ts', import.meta.url).href
    writeFileSync(
      file,
      `import { defineScenario } from '${index}'
       export default defineScenario({
         steps: ['open'],
         users: 100,
         async iterate(user) {
           const answer = await user.get('open', '/articles/of-' + user.index)
           if (answer.status === 200) user.count(user.index % 2 === 0 ? 'even' : 'odd')
         },
       })`,
    )
    const { result } = await runLoad(pathToFileURL(file), {
      url: blog.url,
      threads: 2,
      connections: 4,
      durationMs: 1_000,
      arrivals: { kind: 'constant', perSecond: 100 },
    })
    expect(result.counters).toEqual({ even: 50, odd: 50 })
    expect(result.options['users']).toBe(100)
    expect(result.steps[0]).toMatchObject({ answerCount: 100, noAnswerCount: 0 })
    expect(new Set(result.generator.threads.map(({ threadIndex }) => threadIndex)).size).toBe(2)
    expect(blog.connectionCount).toBeLessThanOrEqual(4)
  })

  test('refuse a scenario that only one thread can have, and a file that is none', async () => {
    const object = defineScenario({ steps: ['a'], iterate: async () => {} })
    const url = 'http://127.0.0.1:1'
    await expect(runLoad(object, { url, threads: 2 })).rejects.toMatchObject({
      code: 'LOADGEN_OPTION_INVALID',
    })
    await expect(runLoad('./absent.ts', { url })).rejects.toMatchObject({
      code: 'LOADGEN_SCENARIO_INVALID',
    })
    const none = new URL('../../src/duration.ts', import.meta.url)
    await expect(runLoad(none, { url })).rejects.toMatchObject({
      code: 'LOADGEN_SCENARIO_INVALID',
      message: expect.stringContaining('exports no scenario'),
    })
  })
})

describe('a run', () => {
  test('that is aborted reports what there is and leaves nothing behind', async () => {
    const blog = await startBlog()
    const stop = new AbortController()
    const progress: RunProgress[] = []
    const run = runLoad(
      { request: { path: '/articles' } },
      { url: blog.url, connections: 8, threads: 2, durationMs: 60_000 },
      { signal: stop.signal, onProgress: (now) => progress.push(now) },
    )
    // A machine that is busy with others may have nothing to tell at first.
    await expect.poll(() => progress.some(({ answersPerSecond }) => answersPerSecond > 0), { timeout: 20_000 }).toBe(true)
    stop.abort()
    const { result } = await run
    expect(result.ended).toBe('stopped')
    expect(result.answerCount).toBeGreaterThan(0)
    expect(progress[0]).toMatchObject({ scenario: 'GET /articles', durationMs: 60_000 })
    expect(getEventListeners(stop.signal, 'abort')).toEqual([])
    for (let i = 0; i < 100 && (await blog.openConnections()) > 0; i++) await sleep(10)
    expect(await blog.openConnections()).toBe(0)
  })

  test('is plain data: it survives a clone and JSON', async () => {
    const blog = await startBlog()
    const { result } = await runLoad(
      { request: { path: '/articles', method: 'POST', body: 'x' } },
      { url: blog.url, connections: 2, durationMs: 300, thresholds: ['p99<10s', 'errors<1'] },
    )
    expect(structuredClone(result)).toEqual(result)
    const back: unknown = JSON.parse(JSON.stringify(result))
    expect(back).toMatchObject({ version: 2, scenario: 'POST /articles', isComplete: true })
    expect(result.thresholds.map(({ isMet }) => isMet)).toEqual([true, true])
    expect(result.environments[0]?.machine).toBe('local')
    expect(result.options).toMatchObject({ connections: 2, arrivals: 'closed loop' })
  })

  test('of nothing is unreachable', async () => {
    const target = await startTarget(() => {})
    const { url } = target
    await new Promise((done) => target.server.close(done))
    const { result } = await runLoad(
      { request: { path: '/' } },
      { url, connections: 2, durationMs: 10_000, rideThroughMs: 100 },
    )
    expect(result.ended).toBe('target_unreachable')
    expect(result.steps[0]?.outcomes[0]).toMatchObject({ status: 0, reason: 'ECONNREFUSED' })
  })
})
