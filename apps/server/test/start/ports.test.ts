import { createServer, type Server, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { dataDirectory, processesOn } from '../harness/data-directory.ts'
import { fixturePerTest } from '../harness/fixture.ts'
import { lastingPort } from '../harness/free-port.ts'
import { readMetricsOf } from '../harness/metrics.ts'
import { until } from '../harness/until.ts'

const fixture = fixturePerTest()

async function takenPort(): Promise<number> {
  const port = await lastingPort()
  const server: Server = createServer((socket) => socket.destroy())
  await new Promise<void>((done) => { server.listen(port, '127.0.0.1', done) })
  fixture.defer(() => new Promise((done) => { server.close(done) }))
  return port
}

describe('a port that another program has', () => {
  // It was found after the lease was taken and the sale was open, and the admin port's message named PORT.
  test.each(['PORT', 'ADMIN_PORT'])('%s is named before anything is begun', async (setting) => {
    const port = await takenPort()
    const dataDir = await dataDirectory(fixture)
    const server = fixture.spawn(undefined, { [setting]: String(port), DATA_DIR: dataDir, UNSAFE_DATABASE: undefined })
    expect(await server.exited).toEqual({ code: 69, signal: null })
    expect(server.stderrLines).toEqual([`megacache: port ${port} is in use on 127.0.0.1; set ${setting} to another one`])
    // Neither PostgreSQL nor a lease.
    expect(await processesOn(dataDir)).toEqual([])
    expect(server.logged('lease acquired')).toEqual([])
  })

  test('HOST and ADMIN_HOST are named as well', async () => {
    for (const [setting, env] of [['HOST', { HOST: '192.0.2.1' }], ['ADMIN_HOST', { ADMIN_HOST: '192.0.2.1', ADMIN_TOKEN: 'x'.repeat(16) }]] as const) {
      const server = fixture.spawn(undefined, { DATABASE_URL: 'postgres://a@127.0.0.1:1/a', ...env })
      expect(await server.exited).toEqual({ code: 69, signal: null })
      expect(server.stderrLines).toEqual([`megacache: this machine has no address 192.0.2.1; set ${setting} to one that it has`])
    }
  })

  // It would take the lease of a paused holder, and could serve nowhere.
  test('because the active instance has it: no standby of it can be on the same port', async () => {
    const database = await fixture.database()
    const env = { PORT: String(await lastingPort()), THREADS: '1', SALE_ITEMS: '10' }
    const active = await fixture.server(database, env)
    const second = fixture.spawn(database, env)
    expect((await second.exited).code).toBe(69)
    expect(second.stderr).toContain('set PORT to another one')
    expect((await fixture.client(active).call('GET', '/health')).json.lease.epoch).toBe(1)
  })
})

describe('the admin port of an instance that does not serve yet', () => {
  test('tells of its life and of who has the lease, while it stands by and when it takes over', async () => {
    const database = await fixture.database()
    const env = { THREADS: '1', SALE_ITEMS: '10' }
    const active = await fixture.server(database, env)
    const [{ instanceId: holder }] = active.logged('lease acquired') as unknown as [{ instanceId: string }]
    const standby = fixture.spawn(database, env)
    const { adminPort, instanceId } = await standby.seen('admin port open')
    const admin = `http://127.0.0.1:${String(adminPort)}`
    await standby.seen('another instance is active')
    expect(await fetch(`${admin}/livez`).then(async (answer) => [answer.status, await answer.text()])).toEqual([200, 'alive'])
    const health = await fetch(`${admin}/health`)
    expect([health.status, await health.json()]).toEqual([503, {
      state: 'standby', since: expect.stringMatching(/Z$/), instanceId, lease: { epoch: 1, instanceId: holder },
    }])
    const figures = await readMetricsOf(admin)
    expect(figures.get('megacache_instance_state{state="standby"}')).toBe(1)
    expect(figures.get(`megacache_lease_holder_info{holder="${holder}",epoch="1"}`)).toBe(1)
    expect(figures.get('megacache_log_lines_dropped_total')).toBe(0)
    await active.crash()
    await standby.listening()
    const after = await readMetricsOf(admin)
    expect(after.get('megacache_instance_state{state="active"}')).toBe(1)
    expect([...after.keys()].filter((name) => name.startsWith('megacache_lease_holder_info'))).toEqual([
      `megacache_lease_holder_info{holder="${String(instanceId)}",epoch="2"}`,
    ])
    expect((await fetch(`${admin}/health`)).status).toBe(200)
  })

  test('is open while it waits for a database that does not answer', async () => {
    // Accepts and says nothing.
    const accepted: Socket[] = []
    const silent = createServer((socket) => { accepted.push(socket.on('error', () => {})) })
    const port = await lastingPort()
    await new Promise<void>((done) => { silent.listen(port, '127.0.0.1', done) })
    fixture.defer(() => new Promise((done) => {
      silent.close(done)
      for (const socket of accepted) socket.destroy()
    }))
    const server = fixture.spawn(undefined, { DATABASE_URL: `postgres://a@127.0.0.1:${port}/a` })
    const { adminPort } = await server.seen('admin port open')
    await until('it tells of itself', async () => {
      const answer = await fetch(`http://127.0.0.1:${String(adminPort)}/health`).then((response) => response.json()) as { state: string, lease: unknown }
      return answer.state === 'starting' && answer.lease === null
    })
    expect((await server.stop()).code).toBe(0)
  })
})
