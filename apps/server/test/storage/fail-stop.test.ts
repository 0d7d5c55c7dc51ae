import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { fixturePerTest } from '../harness/fixture.ts'
import { readMetrics, sumOf } from '../harness/metrics.ts'
import { WorkerInspector } from '../harness/worker-inspector.ts'

const fixture = fixturePerTest()

describe('a request thread that', () => {
  // Spec section 6: the process fails stop within 100 ms, and recovery is the only repair.
  test.each([
    ['throws', 'throw new Error("a seeded fault")', /a seeded fault/],
    ['rejects', 'void Promise.reject(new Error("a seeded rejection"))', /a seeded rejection/],
    ['exits', 'process.exit(0)', /request thread [01] ended with status 0/],
    ['runs out of heap', 'const hold = []; for (;;) hold.push(new Array(100_000).fill(hold.length))', undefined],
  ])('%s ends the process with a status that is not 0', async (_what, expression, logged) => {
    const database = await fixture.database()
    const env = { SALE_ITEMS: '100', THREADS: '2' }
    const server = await fixture.server(database, env, { nodeArgs: ['--inspect=127.0.0.1:0', '--max-old-space-size=96'] })
    const code = await fixture.client(server).reserve(1, 1)
    const inspector = await WorkerInspector.attach(server, 2)
    fixture.defer(() => inspector.close())
    // The thread tells when it comes to it, however late that is.
    const told = "process.getBuiltinModule('node:fs').writeSync(2, `failing at ${Date.now()}\\n`)"
    await inspector.runAt(Date.now() + 500, 1, `${told}; ${expression}`)
    const { code: status, signal } = await server.exited
    if (logged === undefined) expect([70, 134, null]).toContain(status)
    else {
      expect([status, signal]).toEqual([70, null])
      const fatal = server.logs.filter(({ level }) => level === 60)
      expect(fatal).toMatchObject([{ msg: expect.stringMatching(logged) }])
      // 100 ms are promised, 5 s would be an orderly end; between them is what a machine may stand still.
      expect(fatal[0]!.time - Number(/failing at (\d+)/.exec(server.stderr)?.[1])).toBeLessThan(1_500)
    }
    if (logged !== undefined) return
    const again = await fixture.server(database, env)
    expect((await fixture.client(again).purchase(code)).status).toBe(200)
  })

  test('hangs keeps nobody else waiting for ever: its figures stay, and a shutdown ends the process all the same', async () => {
    const server = await fixture.server(await fixture.database(), { SALE_ITEMS: '10', THREADS: '2', SHUTDOWN_TIMEOUT: '1s' }, { nodeArgs: ['--inspect=127.0.0.1:0'] })
    const inspector = await WorkerInspector.attach(server, 2)
    fixture.defer(() => inspector.close())
    for (let user = 0; user < 8; user++) await fetch(`${server.url}/livez`, { headers: { connection: 'close' } })
    const before = await readMetrics(server)
    expect(before.get('megacache_storage_available_threads')).toBe(2)
    const atMs = Date.now() + 300
    await inspector.runAt(atMs, 0, 'for (;;);')
    await sleep(atMs + 50 - Date.now())
    const after = await readMetrics(server)
    expect(sumOf(after, 'megacache_http_answers_total')).toBe(sumOf(before, 'megacache_http_answers_total'))
    expect(after.get('megacache_storage_available_threads')).toBe(1)
    expect((await server.stop()).code).toBe(1)
  })
})
