import { createHash } from 'node:crypto'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  type ListeningWorker,
  runLoad,
  startWorker,
  verifyAnswers,
  type WorkerOptions,
} from '../../src/index.ts'
import { FakeSale } from '../fake-sale.ts'
import { startTarget } from '../load/target.ts'

const TOKEN = createHash('sha256').update('a test').digest('hex')

async function worker(options: WorkerOptions = {}): Promise<ListeningWorker & { token: string }> {
  const listening = await startWorker({ token: TOKEN, ...options })
  onTestFinished(() => listening.close())
  return { ...listening, token: options.token ?? TOKEN }
}

describe('workers', () => {
  test('make the load of a sell-out together, and its history is one', async () => {
    const sale = new FakeSale({ items: 400 })
    await sale.start()
    onTestFinished(() => sale.crash())
    const at = [await worker(), await worker()]
    const { result, history } = await runLoad('chain', {
      url: sale.url,
      connections: 8,
      users: 60,
      at,
    })
    expect(result).toMatchObject({ ended: 'sold_out', isComplete: true, missing: [] })
    expect(result.counters).toMatchObject({ items: 400, purchased: 400, reserved: 400 })
    expect(sale.soldCount).toBe(400)
    const buys = history.calls.filter((call) => call.step === 'purchase' && call.status === 200)
    expect(new Set(buys.map(({ itemId }) => itemId)).size).toBe(400)
    expect(verifyAnswers(history).violations).toEqual([])
    const names = at.map(({ host, port }) => `${host}:${port}`)
    expect(result.environments.map(({ machine }) => machine)).toEqual(['local', ...names])
    expect(result.generator.threads.map(({ machine }) => machine).toSorted()).toEqual(
      names.toSorted(),
    )
    expect(result.steps.map((step) => step.dueLatency.count)).toEqual([400, 400])
    expect(result.generator.cpuMs).toBeGreaterThan(0)
  })

  test('that know another token are refused, with a sentence', async () => {
    const target = await startTarget((_request, response) => void response.end())
    const listening = await worker()
    const at = [{ ...listening, token: 'another' }]
    const run = runLoad({ request: { path: '/' } }, { url: target.url, at })
    await expect(run).rejects.toMatchObject({
      code: 'LOADGEN_WORKER_REFUSED',
      message: expect.stringContaining('the token is wrong'),
    })
  })

  test('of another version are refused', async () => {
    const { sayHello } = await stranger(await worker())
    expect(await sayHello({ version: '0.0.0-other' })).toMatchObject({
      say: 'refused',
      sentence: expect.stringContaining('not 0.0.0-other'),
    })
  })

  test('that are busy refuse a second run', async () => {
    const listening = await worker()
    const first = await stranger(listening)
    expect(await first.sayHello({})).toMatchObject({ say: 'welcome' })
    const second = await stranger(listening)
    expect(await second.sayHello({})).toMatchObject({ say: 'refused', sentence: expect.stringContaining('busy') })
  })

  test('that are lost are missed: the run goes on and is not complete', async () => {
    const target = await startTarget((_request, response) => void response.end())
    const at = [await worker(), await worker()]
    const run = runLoad(
      { request: { path: '/' } },
      { url: target.url, connections: 4, durationMs: 3_000, at, arrivals: { kind: 'constant', perSecond: 100 } },
    )
    while (target.requestCount < 100) await sleep(20)
    await at[1]?.close()
    const { result } = await run
    expect(result.isComplete).toBe(false)
    expect(result.missing[0]).toMatch(/^worker 127\.0\.0\.1:\d+ was lost/)
    expect(result.arrivals.dueCount).toBeGreaterThanOrEqual(150)
    expect(result.arrivals.dueCount).toBeLessThan(300)
  })

  test('that nobody is at are unreachable', async () => {
    const gone = await startWorker()
    await gone.close()
    const at = [{ host: gone.host, port: gone.port, token: '' }]
    const run = runLoad({ request: { path: '/' } }, { url: 'http://127.0.0.1:1', at })
    await expect(run).rejects.toMatchObject({ code: 'LOADGEN_WORKER_UNREACHABLE' })
  })

  test('stop when whoever gathers is gone', async () => {
    const target = await startTarget((_request, response) => void response.end())
    const listening = await worker()
    const stop = new AbortController()
    const run = runLoad(
      { request: { path: '/' } },
      { url: target.url, connections: 2, durationMs: 60_000, at: [listening] },
      { signal: stop.signal },
    )
    while (target.requestCount < 10) await sleep(20)
    stop.abort()
    expect((await run).result.ended).toBe('stopped')
    for (let i = 0; i < 100 && (await target.openConnections()) > 0; i++) await sleep(20)
    expect(await target.openConnections()).toBe(0)
  })

  test.each(['0.0.0.0', '::'])('do not listen on %s without a token', async (host) => {
    const refused = expect.objectContaining({ code: 'LOADGEN_OPTION_INVALID' })
    await expect(startWorker({ host })).rejects.toEqual(refused)
    await expect(startWorker({ host, token: 'short' })).rejects.toEqual(refused)
  })
})

test('a worker that is no worker is told apart', async () => {
  const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const at = [{ host: '127.0.0.1', port, token: '' }]
  const run = runLoad({ request: { path: '/' } }, { url: 'http://127.0.0.1:1', at })
  await expect(run).rejects.toMatchObject({ code: 'LOADGEN_WORKER_UNREACHABLE' })
})

/** Somebody who speaks the protocol by hand. */
async function stranger(
  listening: ListeningWorker,
): Promise<{ sayHello: (change: { version?: string }) => Promise<unknown> }> {
  const { connect } = await import('node:net')
  const { proofOf } = await import('../../src/machines/worker-protocol.ts')
  const { GENERATOR_VERSION } = await import('../../src/generator-version.ts')
  const socket = connect(listening.port, listening.host)
  onTestFinished(() => void socket.destroy())
  socket.setEncoding('utf8')
  let text = ''
  const lines: string[] = []
  socket.on('data', (data: string) => {
    text += data
    lines.push(...text.split('\n').slice(0, -1))
    text = text.slice(text.lastIndexOf('\n') + 1)
  })
  const nextLine = async (): Promise<{ nonce?: string }> => {
    for (let i = 0; i < 200 && lines.length === 0; i++) await sleep(10)
    return JSON.parse(lines.shift() ?? 'null') as { nonce?: string }
  }
  const challenge = await nextLine()
  return {
    sayHello: ({ version = GENERATOR_VERSION }) => {
      const proof = proofOf(TOKEN, challenge.nonce ?? '')
      socket.write(`${JSON.stringify({ say: 'hello', version, proof })}\n`)
      return nextLine()
    },
  }
}
