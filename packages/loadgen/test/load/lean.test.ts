import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { defineScenario, runLoad, runSellOut, verifyAnswers } from '../../src/index.ts'
import { FakeSale, type FakeOptions } from '../fake-sale.ts'
import { startTarget } from './target.ts'

async function fakeSale(options: FakeOptions): Promise<FakeSale> {
  const fake = new FakeSale(options)
  await fake.start()
  onTestFinished(() => fake.crash())
  return fake
}

test('lean connections sell out, and open no more than they should', async () => {
  const fake = await fakeSale({ items: 300 })
  const result = await runSellOut({ url: fake.url, connections: 8, users: 30, lean: true })
  expect(result).toMatchObject({ ended: 'sold_out', purchasedCount: 300, noAnswerCount: 0 })
  // One more asked for the sale.
  expect(fake.connectionCount).toBe(9)
  expect(verifyAnswers(result.history).violations).toEqual([])
})

test('lean connections take a time-out as unknown and never hear the late answer', async () => {
  let count = 0
  const silenced = new Set<object>()
  let reusedCount = 0
  const fake = await fakeSale({
    items: 40,
    intercept: (request) => {
      if (silenced.has(request.socket)) reusedCount++
      if (request.url === '/sale' || ++count % 15 !== 0) return false
      silenced.add(request.socket)
      return true
    },
  })
  const options = { url: fake.url, connections: 2, users: 10, requestTimeoutMs: 150, lean: true }
  const result = await runSellOut(options)
  expect(result.purchasedCount + result.soldByOthersCount).toBe(40)
  expect(silenced.size).toBeGreaterThan(2)
  expect(reusedCount).toBe(0)
  const unknown = result.steps.flatMap(({ outcomes }) => outcomes.filter((o) => o.status === 0))
  expect(new Set(unknown.map(({ reason }) => reason))).toEqual(new Set(['ERR_REQUEST_TIMEOUT']))
  // A machine that is busy with others may let an honest answer be late as well.
  expect(unknown.reduce((sum, each) => sum + each.count, 0)).toBeGreaterThanOrEqual(silenced.size)
})

test('lean connections ride through a crash and a restart', async () => {
  const fake = await fakeSale({ items: 1_000, ttlMs: 500 })
  const run = runSellOut({
    url: fake.url,
    connections: 16,
    users: 150,
    rideThroughMs: 10_000,
    lean: true,
  })
  while (fake.soldCount < 200) await sleep(2)
  await fake.crash()
  await sleep(500)
  await fake.start()
  const result = await run
  expect(result.ended).toBe('sold_out')
  expect(result.purchasedCount + result.soldByOthersCount).toBe(1_000)
  const reasons = result.steps.flatMap(({ outcomes }) => outcomes.map(({ reason }) => reason))
  expect(reasons).toContain('ECONNREFUSED')
})

test('lean connections understand what servers send, and what they do with connections', async () => {
  const target = await startTarget((request, response) => {
    if (request.url === '/chunked') {
      response.write('in ')
      response.end('chunks')
    } else if (request.url === '/close') {
      response.setHeader('connection', 'close')
      response.end('bye')
    } else if (request.url === '/echo') {
      request.pipe(response)
    } else if (request.url === '/cut') {
      response.setHeader('content-length', '10')
      response.write('half')
      setTimeout(() => request.socket.destroy(), 10)
    } else {
      response.statusCode = 204
      response.end()
    }
  })
  const stop = new AbortController()
  const { result } = await runLoad(
    defineScenario({
      steps: ['any'],
      async iterate(user) {
        const bodies = []
        for (const path of ['/chunked', '/close', '/chunked', '/none']) {
          bodies.push((await user.get('any', path)).body)
        }
        expect(bodies).toEqual(['in chunks', 'bye', 'in chunks', ''])
        const echo = await user.post('any', '/echo', { text: 'é' })
        expect(echo.json()).toEqual({ text: 'é' })
        const head = await user.request('any', { path: '/chunked', method: 'HEAD' })
        expect(head).toMatchObject({ status: 200, body: '' })
        expect(await user.get('any', '/cut')).toMatchObject({ status: 0, reason: 'ECONNRESET' })
        stop.abort()
      },
    }),
    { url: target.url, connections: 1, users: 1, durationMs: 20_000, lean: true },
    { signal: stop.signal },
  )
  expect(result.arrivals.completedCount).toBeGreaterThan(0)
  for (let i = 0; i < 100 && (await target.openConnections()) > 0; i++) await sleep(10)
  expect(await target.openConnections()).toBe(0)
})

test('lean connections refuse what is no request, and https', async () => {
  const target = await startTarget((_request, response) => void response.end())
  const bad = (headers: Record<string, string>): Promise<unknown> =>
    runLoad({ request: { path: '/', headers } }, { url: target.url, lean: true, durationMs: 300 })
  await expect(bad({ 'x-a': 'b\r\nx-c: d' })).rejects.toMatchObject({
    code: 'LOADGEN_SCENARIO_INVALID',
  })
  const secure = runLoad({ request: { path: '/' } }, { url: 'https://127.0.0.1:1', lean: true })
  await expect(secure).rejects.toMatchObject({ code: 'LOADGEN_OPTION_INVALID' })
})
