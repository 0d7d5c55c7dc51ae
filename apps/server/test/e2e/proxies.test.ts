import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { fixturePerFile } from '../harness/fixture.ts'
import { countConnections, proxyMissing, startProxy } from '../harness/reverse-proxy.ts'
import { SaleClient } from '../harness/sale-client.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { skipWithout } from '../harness/skip-without.ts'

const fixture = fixturePerFile()
let server: ServerProcess
let nextItem = 0

beforeAll(async () => {
  server = await fixture.server(await fixture.database(), { SALE_ITEMS: '2000', THREADS: '1', USER_LIMIT: '1000' })
})

describe.each([
  { name: 'nginx', extra: '', what: 'nginx' },
  { name: 'nginx', extra: 'proxy_request_buffering off;', what: 'nginx that passes bodies on as they come' },
  { name: 'haproxy', extra: '', what: 'haproxy' },
] as const)('behind $what, as docs/proxies sets it up', ({ name, extra }) => {
  // RFC 9112 section 9.6: a proxy that meets a reset while it is still writing says 502.
  test('a body that is too long is 413 for the client', async ({ skip }) => {
    skipWithout(proxyMissing(name), skip)
    const url = await startProxy(fixture, name, server.port, extra)
    const got: unknown[] = []
    for (let time = 0; time < 20; time++) {
      const answer = await fetch(`${url}/checkout?user_id=1&item_id=1`, { method: 'POST', body: new Uint8Array(8_388_608) })
      got.push([answer.status, JSON.parse(await answer.text()).reason])
    }
    expect(got).toEqual(got.map(() => [413, 'payload_too_large']))
  })

  test('connections are kept, over a pause too, and no request fails', async ({ skip }) => {
    skipWithout(proxyMissing(name), skip)
    const relay = await countConnections(fixture, server.port)
    const url = await startProxy(fixture, name, relay.port, extra)
    const client = new SaleClient(url, 4)
    fixture.defer(() => client.close())
    const statuses: number[] = []
    const ask = (): Promise<unknown> => Promise.all(Array.from({ length: 4 }, async () => {
      for (let time = 0; time < 25; time++) {
        const reserved = await client.checkout(1, nextItem++)
        statuses.push(reserved.status, (await client.purchase(reserved.text)).status, (await client.call('GET', '/livez')).status)
      }
    }))
    await ask()
    await sleep(1_000)
    await ask()
    expect(statuses).toEqual(Array.from({ length: 600 }, () => 200))
    expect(relay.count).toBeLessThanOrEqual(12)
  })
})
