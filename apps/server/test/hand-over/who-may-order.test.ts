import { request } from 'node:http'
import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { fixturePerFile, fixturePerTest } from '../harness/fixture.ts'
import { lastingPort } from '../harness/free-port.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import type { TestDatabase } from '../harness/test-database.ts'
import { within } from '../harness/until.ts'

const STRANGER = 'stranger'
const fixture = fixturePerFile()
const perTest = fixturePerTest()
let shared: Promise<{ running: ServerProcess, database: TestDatabase, env: Record<string, string> }> | undefined

/** One instance for all orders that it refuses: it has to be there after each of them. */
function serving(): NonNullable<typeof shared> {
  shared ??= (async () => {
    const database = await fixture.database()
    const env = { PORT: String(await lastingPort()), ADMIN_PORT: String(await lastingPort()), SALE_ITEMS: '1000', THREADS: '2' }
    return { running: await fixture.server(database, env), database, env }
  })()
  return shared
}

interface Told {
  readonly status: number
  readonly text: string
}

/** Raw, for `fetch` does not send every header. */
function post(server: ServerProcess, path: string, headers: Record<string, string> = {}): Promise<Told> {
  return within(10_000, `an answer to POST ${path}`, new Promise((resolve, reject) => {
    request(`${server.adminUrl}${path}`, { method: 'POST', headers, agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => { text += part }).once('end', () => resolve({ status: answer.statusCode ?? 0, text }))
    }).once('error', reject).end()
  }))
}

/** The token of a claim, as soon as nobody else has one. */
async function claim(server: ServerProcess, successor = STRANGER): Promise<string> {
  for (;;) {
    const { status, text } = await post(server, '/succession', { 'megacache-successor': successor })
    if (status === 200) return text
    expect([status, text]).toEqual([409, 'another process is taking over already'])
    await new Promise((resolve) => { setTimeout(resolve, 50) })
  }
}

const order = (server: ServerProcess, token: string, more: Record<string, string> = {}): Promise<Told> =>
  post(server, '/hand-over', { 'megacache-successor': STRANGER, 'megacache-succession': token, ...more })

let user = 0
afterEach(async () => {
  const { running } = await serving()
  // New connections, on both threads.
  for (let visit = 0; visit < 4; visit++) {
    const answer = await fetch(`${running.url}/checkout?user_id=${user}&item_id=${user++}`, { method: 'POST', headers: { connection: 'close' } })
    expect(answer.status).toBe(200)
  }
  expect(running.logged('handing over')).toEqual([])
})

describe('an order to hand over is refused, and the instance serves on', () => {
  test('from anybody who has claimed nothing', async () => {
    const { running } = await serving()
    expect((await post(running, '/hand-over')).status).toBe(403)
    expect((await order(running, '')).status).toBe(403)
    expect((await order(running, '00000000-0000-4000-8000-000000000000')).status).toBe(403)
  })

  test('from a page of another site, which cannot even claim', async () => {
    const { running } = await serving()
    const named = { 'megacache-successor': STRANGER }
    const pages = [
      { origin: 'http://elsewhere.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' },
      // Its name leads to this machine by now.
      { origin: 'http://elsewhere.example:8081', host: 'elsewhere.example:8081', 'sec-fetch-site': 'same-origin' },
    ]
    for (const page of pages) expect(await post(running, '/succession', { ...named, ...page })).toMatchObject({ status: 403, text: 'not for browsers' })
    const token = await claim(running)
    for (const page of pages) expect((await order(running, token, page)).status).toBe(403)
    expect((await order(running, token)).text).toContain('waits for the lease')
    // Form fields are all that a page may send without being asked first, and no answer allows it more.
    expect((await post(running, '/succession', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(403)
    const asked = await fetch(`${running.adminUrl}/hand-over`, { method: 'OPTIONS', headers: { 'access-control-request-headers': 'megacache-succession' } })
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([405, null])
  })

  test('from who has claimed, but does not wait for the lease; and a token is good for one order', async () => {
    const { running } = await serving()
    const token = await claim(running)
    expect(await order(running, token)).toEqual({ status: 403, text: `no instance ${STRANGER} waits for the lease` })
    expect(await order(running, token)).toEqual({ status: 403, text: 'this is no claimed successor' })
  })

  test('with the token of another one, or under another name', async () => {
    const { running } = await serving()
    const token = await claim(running)
    expect((await order(running, token, { 'megacache-successor': 'another' })).status).toBe(403)
    expect((await order(running, `${token}x`)).status).toBe(403)
    // Nobody else's mistakes use it up.
    expect((await order(running, token)).text).toContain('waits for the lease')
  })

  test('with a token that is too old', async () => {
    const { running } = await serving()
    const old = await claim(running)
    const next = await claim(running, 'the-next-one')
    expect(await order(running, old)).toEqual({ status: 403, text: 'this is no claimed successor' })
    expect((await order(running, next, { 'megacache-successor': 'the-next-one' })).text).toContain('waits for the lease')
  })

  test('from who waits for the lease, but does not listen on the port', async () => {
    const { running, database } = await serving()
    const client = new pg.Client({ connectionString: database.url, application_name: `megacache/pending/${STRANGER}` })
    await client.connect()
    perTest.defer(() => client.end())
    const { port } = running
    expect(await order(running, await claim(running))).toEqual({ status: 409, text: `no standby listens on port ${port}` })
  })
})

test('a standby cannot be succeeded', async () => {
  const { database } = await serving()
  const standby = perTest.spawn(database, { SALE_ITEMS: '1000', THREADS: '1' })
  const { adminPort } = await standby.seen('admin port open')
  await standby.seen('another instance is active')
  const answer = await fetch(`http://127.0.0.1:${String(adminPort)}/succession`, { method: 'POST', headers: { 'megacache-successor': STRANGER } })
  expect([answer.status, await answer.text()]).toEqual([409, 'it does not serve'])
})
